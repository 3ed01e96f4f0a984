// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a text is no quantity, with what would be right.
public enum QuantityError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The text does not begin with a number.
  case notANumber(text: String)
  /// The number is too large to be held, or is "nan" or "inf".
  case notFinite(text: String)
  /// The unit is not known; the closest known one stands beside it, if there is one.
  case unknownUnit(text: String, unit: String, suggestion: String?)
  /// A bare number stands where a unit is needed.
  case missingUnit(text: String, expected: Dimension)
  /// The unit measures something else.
  case wrongDimension(text: String, found: Dimension, expected: Dimension)

  /// What was found and what would be right, in one line.
  public var description: String {
    switch self {
    case .notANumber(let text):
      return "'\(shortened(text))' does not begin with a number"
    case .notFinite(let text):
      return "'\(shortened(text))' is not a finite number"
    case .unknownUnit(let text, let unit, let suggestion):
      let hint = suggestion.map { "; did you mean '\($0)'?" } ?? ""
      return "'\(shortened(text))' has the unknown unit '\(shortened(unit))'\(hint)"
    case .missingUnit(let text, let expected):
      return "'\(shortened(text))' has no unit; expected \(expected.words) such as "
        + "'\(expected.example)'"
    case .wrongDimension(let text, let found, let expected):
      return "'\(shortened(text))' is \(found.words); expected \(expected.words) such as "
        + "'\(expected.example)'"
    }
  }

  /// At most 60 characters of `text`, so that a damaged file does not fill the screen.
  private func shortened(_ text: String) -> String {
    text.count <= 60 ? text : text.prefix(57) + "..."
  }
}
