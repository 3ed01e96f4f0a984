// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// A value that was read, or why it could not be.
public enum ReadValue<Value> {
  /// The value.
  case value(Value)
  /// What was found and what would be right.
  case problem(String)
}

extension ConfigurationNode {
  /// The value that `read` finds, or `nil` after reporting why there is none.
  public func read<Value>(
    into collector: DiagnosticCollector, _ read: (ConfigurationNode) -> ReadValue<Value>
  ) -> Value? {
    switch read(self) {
    case .value(let value): return value
    case .problem(let message):
      collector.report(self, message)
      return nil
    }
  }

  /// The node as a text.
  public var text: ReadValue<String> {
    scalar.map { .value($0) } ?? .problem("expected a text; found \(kindInWords)")
  }

  /// The node as a whole number within `range`; "1e6" and "4.0" are whole numbers.
  public func integer(in range: ClosedRange<Int> = Int.min...Int.max) -> ReadValue<Int> {
    let wanted = "expected a whole number"
    guard case .scalar(let text, quoted: false) = content else {
      return .problem("\(wanted); found \(kindInWords)")
    }
    var number = Int(text)
    if number == nil, let value = try? Quantity(parsing: text, as: .count).value {
      number = Int(exactly: value)
    }
    guard let number else { return .problem("\(wanted); found '\(text.prefix(40))'") }
    guard range.contains(number) else {
      return .problem("\(number) is out of range; \(Self.words(range))")
    }
    return .value(number)
  }

  /// The node as "true" or "false".
  public var bool: ReadValue<Bool> {
    if case .scalar(let text, quoted: false) = content {
      if ["true", "True", "TRUE"].contains(text) { return .value(true) }
      if ["false", "False", "FALSE"].contains(text) { return .value(false) }
    }
    return .problem("expected true or false; found \(kindInWords)")
  }

  /// The node as a quantity in base units of `dimension`, within `range` of base units.
  ///
  /// Quotes do not matter, since JSON needs them around units.
  public func quantity(
    _ dimension: Dimension,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude ... .greatestFiniteMagnitude
  ) -> ReadValue<Double> {
    guard let text = scalar else {
      return .problem(
        "expected \(dimension.words) such as '\(dimension.example)'; found \(kindInWords)")
    }
    do {
      let value = try Quantity(parsing: text, as: dimension).value
      guard range.contains(value) else {
        let format = QuantityFormat(significantDigits: 6)
        let low = format.string(range.lowerBound, dimension)
        let high = format.string(range.upperBound, dimension)
        let bound =
          if range.upperBound >= Double.greatestFiniteMagnitude {
            "at least \(low)"
          } else if range.lowerBound <= -Double.greatestFiniteMagnitude {
            "at most \(high)"
          } else {
            "between \(low) and \(high)"
          }
        return .problem("'\(text)' is out of range; expected \(bound)")
      }
      return .value(value)
    } catch {
      return .problem(error.description)
    }
  }

  /// The node as a number format.
  public var numberFormat: ReadValue<NumberFormat> {
    guard let text = scalar else {
      return .problem("expected a number format such as 'bf16'; found \(kindInWords)")
    }
    do { return .value(try NumberFormat(parsing: text)) } catch {
      return .problem(error.description)
    }
  }

  /// The node as one of `choices`.
  public func choice(among choices: [String]) -> ReadValue<String> {
    guard let text = scalar else {
      return .problem("expected one of \(choices.joined(separator: ", ")); found \(kindInWords)")
    }
    guard choices.contains(text) else {
      let hint = suggestion(for: text, among: choices)
      return .problem(
        "'\(text.prefix(60))' is none of \(choices.joined(separator: ", "))\(hint)")
    }
    return .value(text)
  }

  private static func words(_ range: ClosedRange<Int>) -> String {
    if range.upperBound == .max { return "expected at least \(range.lowerBound)" }
    if range.lowerBound == .min { return "expected at most \(range.upperBound)" }
    return "expected \(range.lowerBound) to \(range.upperBound)"
  }
}
