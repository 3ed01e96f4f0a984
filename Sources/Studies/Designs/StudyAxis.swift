// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Records

/// One key of a scenario that a study varies, and the values that it gives it.
public struct StudyAxis: Sendable {
  /// The values of an axis.
  public enum Values: Sendable {
    /// These, each in YAML.
    case list([String])
    /// Any within a range, as the design chooses.
    case range(AxisRange)
  }

  /// The dotted path of the key.
  public var key: String
  /// The values.
  public var values: Values

  /// An axis of these values.
  public init(key: String, values: Values) {
    self.key = key
    self.values = values
  }

  /// Reads a `--vary` argument: `key=value,value` or `key=first..last+step`.
  ///
  /// - Throws: A `Diagnostic` that says what would be right.
  public init(parsing text: String) throws(Diagnostic) {
    let origin = "--vary \(text)"
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw Diagnostic(
        location: SourceLocation(origin: origin),
        message: "'\(text)' varies nothing; expected key=value,value or key=first..last+step")
    }
    key = text[..<equals].filter { !$0.isWhitespace }
    values = try Self.values(parsing: String(text[text.index(after: equals)...]), origin: origin)
  }

  /// Reads the value of a key in a study file.
  ///
  /// - Throws: A `Diagnostic` that says what would be right.
  public init(key: String, node: ConfigurationNode) throws(Diagnostic) {
    self.key = key
    if let elements = node.sequence {
      guard !elements.isEmpty else {
        throw Diagnostic(
          location: node.location, path: node.path,
          message: "is empty; expected values to vary over")
      }
      values = .list(
        elements.map { JSONText.text(of: ScenarioValue.written($0), layout: .compact) }
          .map(Self.unquoted))
      return
    }
    guard let text = node.scalar else {
      throw Diagnostic(
        location: node.location, path: node.path,
        message: "expected a list of values or a range such as 10%..50%+10%; found "
          + node.kindInWords)
    }
    values = try Self.values(parsing: text, origin: "\(node.location)")
  }

  private static func values(parsing text: String, origin: String) throws(Diagnostic) -> Values {
    if let range = try AxisRange(parsing: text, origin: origin) {
      return range.values.map(Values.list) ?? .range(range)
    }
    let parts = split(text)
    guard !parts.isEmpty, !parts.contains("") else {
      throw Diagnostic(
        location: SourceLocation(origin: origin),
        message: "'\(text)' has an empty value; expected value,value")
    }
    return .list(parts)
  }

  /// The parts between the commas that stand in no brackets and no quotes.
  private static func split(_ text: String) -> [String] {
    var parts: [String] = [""]
    var depth = 0
    var quote: Character?
    for character in text {
      if let open = quote {
        if character == open { quote = nil }
      } else if character == "'" || character == "\"" {
        quote = character
      } else if "[{(".contains(character) {
        depth += 1
      } else if "]})".contains(character) {
        depth -= 1
      } else if character == ",", depth == 0 {
        parts.append("")
        continue
      }
      parts[parts.count - 1].append(character)
    }
    return parts.map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// A JSON string as plain text where YAML reads that as the same string.
  private static func unquoted(_ json: String) -> String {
    guard json.count >= 2, json.hasPrefix("\""), json.hasSuffix("\"") else { return json }
    let inner = String(json.dropFirst().dropLast())
    let isPlain = inner.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-_./% ".contains($0))
    }
    return isPlain && inner == inner.trimmingCharacters(in: .whitespaces) ? inner : json
  }
}
