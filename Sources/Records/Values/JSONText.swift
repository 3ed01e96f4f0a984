// SPDX-License-Identifier: GPL-3.0-or-later

/// Writes trees of values as JSON (RFC 8259), in the same bytes on every run.
public enum JSONText {
  /// How the text is laid out.
  public enum Layout: Sendable {
    /// A key a line, indented by two spaces.
    case indented
    /// All in one line.
    case compact
  }

  /// The JSON of a tree, with sorted keys unless they are to keep their order, and without a final
  /// newline.
  ///
  /// Numbers that aren't finite become null, since JSON has no word for them.
  ///
  /// - Complexity: O(*n* log *n*) in the members of the largest object, linear in the text.
  public static func text(
    of value: ReportValue, layout: Layout = .indented, sortsKeys: Bool = true
  ) -> String {
    var output = ""
    write(value, layout: layout, sortsKeys: sortsKeys, depth: 0, to: &output)
    return output
  }

  /// The JSON of any encodable value: keys in snake case and sorted, numbers at their resolution.
  public static func text(encoding value: some Encodable, layout: Layout = .indented) throws
    -> String
  {
    var nonFinite: [String] = []
    let tree = try ReportValue(encoding: value).roundedToResolution(nonFinite: &nonFinite)
    return text(of: tree, layout: layout)
  }

  private static func write(
    _ value: ReportValue, layout: Layout, sortsKeys: Bool, depth: Int, to output: inout String
  ) {
    switch value {
    case .null: output += "null"
    case .bool(let value): output += value ? "true" : "false"
    case .integer(let value): output += "\(value)"
    case .unsigned(let value): output += "\(value)"
    case .number(let value): output += value.isFinite ? plainDecimal(value) : "null"
    case .text(let value): output += quoted(value)
    case .list(let values):
      writeItems(values, between: ("[", "]"), layout: layout, depth: depth, to: &output) {
        write($0, layout: layout, sortsKeys: sortsKeys, depth: depth + 1, to: &$1)
      }
    case .object(let members):
      let ordered = sortsKeys ? members.sorted { $0.key < $1.key } : members
      writeItems(ordered, between: ("{", "}"), layout: layout, depth: depth, to: &output) {
        $1 += quoted($0.key)
        $1 += layout == .indented ? ": " : ":"
        write($0.value, layout: layout, sortsKeys: sortsKeys, depth: depth + 1, to: &$1)
      }
    }
  }

  private static func writeItems<Item>(
    _ items: [Item], between brackets: (String, String), layout: Layout, depth: Int,
    to output: inout String, writeItem: (Item, inout String) -> Void
  ) {
    output += brackets.0
    for (index, item) in items.enumerated() {
      if index > 0 { output += "," }
      breakLine(layout: layout, depth: depth + 1, in: &output)
      writeItem(item, &output)
    }
    if !items.isEmpty { breakLine(layout: layout, depth: depth, in: &output) }
    output += brackets.1
  }

  private static func breakLine(layout: Layout, depth: Int, in output: inout String) {
    guard layout == .indented else { return }
    output += "\n"
    output += String(repeating: "  ", count: depth)
  }

  /// A JSON string literal.
  package static func quoted(_ text: String) -> String {
    // Most texts have nothing to escape.
    let isPlain = text.utf8.allSatisfy {
      $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
    }
    if isPlain { return "\"" + text + "\"" }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
