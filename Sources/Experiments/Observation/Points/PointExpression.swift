// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// A number that depends on a serving point: "= 2 * prompt + concurrency + 64".
///
/// Terms are added; a term is a number, a name, or a number times a name. The value is rounded up to a
/// whole number.
struct PointExpression: Hashable {
  /// The names and what they mean.
  static let names = ["prompt", "output", "concurrency", "tensor", "data", "expert"]

  private var terms: [(factor: Double, name: String?)]

  static func == (first: PointExpression, second: PointExpression) -> Bool {
    first.terms.elementsEqual(second.terms) { $0.factor == $1.factor && $0.name == $1.name }
  }

  func hash(into hasher: inout Hasher) {
    for term in terms {
      hasher.combine(term.factor)
      hasher.combine(term.name)
    }
  }

  /// Whether a text is meant as an expression.
  static func isMeant(by text: String) -> Bool { text.hasPrefix("=") }

  /// Parses "= …"; the error is a message without a place.
  static func parse(_ text: String) -> ReadValue<PointExpression> {
    var terms: [(Double, String?)] = []
    for part in text.dropFirst().split(separator: "+", omittingEmptySubsequences: false) {
      var term: (factor: Double, name: String?) = (1, nil)
      for factor in part.split(separator: "*", omittingEmptySubsequences: false) {
        let word = factor.split(separator: " ").joined(separator: " ")
        if let number = Double(word), number.isFinite {
          term.factor *= number
        } else if names.contains(word), term.name == nil {
          term.name = word
        } else {
          return .problem(
            "'\(word)' is no term; expected numbers, and of \(names.joined(separator: ", ")) one a term"
          )
        }
      }
      terms.append(term)
    }
    return .value(PointExpression(terms: terms))
  }

  /// The value, rounded up; `nil` where it needs a name without a value.
  func value(_ values: [String: Int]) -> Int? {
    var sum = 0.0
    for term in terms {
      guard let name = term.name else {
        sum += term.factor
        continue
      }
      guard let value = values[name] else { return nil }
      sum += term.factor * Double(value)
    }
    return Int((sum - 1e-9).rounded(.up))
  }
}

extension ConfigurationNode {
  /// The tree with the values of expressions in their place.
  ///
  /// - Throws: A diagnostic at the expression that is wrong.
  func evaluated(_ values: [String: Int]) throws(Diagnostic) -> ConfigurationNode {
    var result = self
    switch content {
    case .null: break
    case .scalar(let text, _):
      guard PointExpression.isMeant(by: text) else { return self }
      switch PointExpression.parse(text) {
      case .problem(let message):
        throw Diagnostic(location: location, path: path, message: message)
      case .value(let expression):
        guard let value = expression.value(values) else {
          throw Diagnostic(location: location, path: path, message: "'\(text)' has no value")
        }
        result.content = .scalar("\(value)", quoted: false)
      }
    case .sequence(let elements):
      var list: [ConfigurationNode] = []
      for element in elements { list.append(try element.evaluated(values)) }
      result.content = .sequence(list)
    case .mapping(let entries):
      var list: [Entry] = []
      for var entry in entries {
        entry.value = try entry.value.evaluated(values)
        list.append(entry)
      }
      result.content = .mapping(list)
    }
    return result
  }
}
