// SPDX-License-Identifier: GPL-3.0-or-later

extension ConfigurationNode {
  /// The node as JSON, two spaces a level, keys in the order of the file.
  ///
  /// Unquoted numbers that JSON knows and truth values stay bare; all else is a string.
  public var json: String {
    var text = ""
    writeJSON(to: &text, indent: "")
    return text
  }

  private func writeJSON(to text: inout String, indent: String) {
    let inner = indent + "  "
    switch content {
    case .null: text += "null"
    case .scalar(let value, let quoted):
      if !quoted, value == "true" || value == "false" || Self.isJSONNumber(value) {
        text += value
      } else {
        text += Self.quoted(value)
      }
    case .sequence(let elements):
      guard !elements.isEmpty else {
        text += "[]"
        return
      }
      text += "["
      for (index, element) in elements.enumerated() {
        text += (index == 0 ? "\n" : ",\n") + inner
        element.writeJSON(to: &text, indent: inner)
      }
      text += "\n" + indent + "]"
    case .mapping(let entries):
      guard !entries.isEmpty else {
        text += "{}"
        return
      }
      text += "{"
      for (index, entry) in entries.enumerated() {
        text += (index == 0 ? "\n" : ",\n") + inner + Self.quoted(entry.key) + ": "
        entry.value.writeJSON(to: &text, indent: inner)
      }
      text += "\n" + indent + "}"
    }
  }

  /// Whether `text` is a number by the grammar of RFC 8259.
  static func isJSONNumber(_ text: String) -> Bool {
    var rest = Substring(text)
    func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }
    if rest.first == "-" { rest.removeFirst() }
    let whole = rest.prefix(while: isDigit)
    guard !whole.isEmpty, whole == "0" || whole.first != "0" else { return false }
    rest = rest.dropFirst(whole.count)
    if rest.first == "." {
      rest.removeFirst()
      let part = rest.prefix(while: isDigit)
      guard !part.isEmpty else { return false }
      rest = rest.dropFirst(part.count)
    }
    if rest.first == "e" || rest.first == "E" {
      rest.removeFirst()
      if rest.first == "+" || rest.first == "-" { rest.removeFirst() }
      let part = rest.prefix(while: isDigit)
      guard !part.isEmpty else { return false }
      rest = rest.dropFirst(part.count)
    }
    return rest.isEmpty
  }

  /// `text` as a JSON string.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
