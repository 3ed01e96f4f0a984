// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Units

/// A range of numbers with one unit: `first..last+step`, `first..last*factor`, or `first..last` for
/// designs that choose the values themselves (`log first..last` for even steps of the exponent).
public struct AxisRange: Hashable, Sendable {
  /// How values follow one another.
  public enum Step: Hashable, Sendable {
    /// Each is so much more than the one before.
    case sum(Double)
    /// Each is so many times the one before.
    case factor(Double)
    /// The design chooses; evenly over the numbers, or over their logarithms.
    case free(isLogarithmic: Bool)
  }

  /// The first value, in the unit.
  public var first: Double
  /// The last value, in the unit; it is among the values if the steps meet it.
  public var last: Double
  /// How values follow.
  public var step: Step
  /// The unit as it was written, "" for plain numbers.
  public var unit: String

  /// The most values of a range.
  static let mostValues = 100_000

  /// Reads a range; `nil` where the text is none.
  ///
  /// - Throws: A `Diagnostic` where it begins as a range and is wrong.
  public init?(parsing text: String, origin: String) throws(Diagnostic) {
    var body = text.trimmingCharacters(in: .whitespaces)
    var isLogarithmic = false
    if body.hasPrefix("log ") {
      isLogarithmic = true
      body = String(body.dropFirst(4)).trimmingCharacters(in: .whitespaces)
    }
    guard let dots = body.range(of: ".."), let first = Self.number(String(body[..<dots.lowerBound]))
    else {
      if isLogarithmic { throw Self.problem(text, "", origin) }
      return nil
    }
    let rest = String(body[dots.upperBound...])
    let (lastText, sign, stepText) = Self.split(rest)
    guard let last = Self.number(lastText) else { throw Self.problem(text, "", origin) }
    guard first.unit == last.unit || first.unit.isEmpty else {
      throw Self.problem(
        text, "its ends have the units '\(first.unit)' and '\(last.unit)'; ", origin)
    }
    self.first = first.value
    self.last = last.value
    unit = last.unit
    guard let sign else {
      step = .free(isLogarithmic: isLogarithmic)
      guard last.value > first.value, !isLogarithmic || first.value > 0 else {
        throw Self.problem(text, "its last value is not above its first; ", origin)
      }
      return
    }
    guard let by = Self.number(stepText), by.unit.isEmpty || by.unit == unit, !isLogarithmic else {
      throw Self.problem(text, "", origin)
    }
    step = sign == "+" ? .sum(by.value) : .factor(by.value)
    let grows = sign == "+" ? by.value > 0 : by.value > 1
    guard last.value >= first.value, grows, sign == "+" || first.value > 0 else {
      throw Self.problem(text, "it never comes to its end; ", origin)
    }
    guard (values?.count ?? 0) <= Self.mostValues else {
      throw Self.problem(text, "it has more than \(Self.mostValues) values; ", origin)
    }
  }

  /// The values of a stepped range as texts with their unit; `nil` where the design chooses.
  public var values: [String]? {
    var found: [Double] = []
    // Steps of 0.1 do not add up to what is written; the last value counts as met within this.
    let slack = 1e-9
    switch step {
    case .sum(let by):
      let count = Int(min((last - first) / by + slack, Double(Self.mostValues)))
      for index in 0...max(0, count) { found.append(first + Double(index) * by) }
    case .factor(let by):
      var value = first
      while value <= last * (1 + slack), found.count <= Self.mostValues {
        found.append(value)
        value *= by
      }
    case .free: return nil
    }
    return found.map(text)
  }

  /// The value at a place of the range, 0 at its first and 1 at its last.
  public func value(at place: Double) -> String {
    if case .free(isLogarithmic: true) = step {
      return text(first * pow(last / first, place))
    }
    return text(first + place * (last - first))
  }

  private func text(_ value: Double) -> String {
    // Twelve digits hide the error of adding up steps.
    let rounded = Double(String(format: "%.12g", value)) ?? value
    let digits =
      rounded == rounded.rounded() && rounded.magnitude < 1e15
      ? String(Int64(rounded)) : "\(rounded)"
    if unit.isEmpty || unit == "%" || unit.hasPrefix("/") { return digits + unit }
    return digits + " " + unit
  }

  /// The last value, the sign of the step and the step.
  private static func split(_ text: String) -> (last: String, sign: Character?, step: String) {
    let characters = Array(text)
    for index in characters.indices.reversed() where "+*".contains(characters[index]) {
      // The sign of an exponent, "1e+3", is no step.
      if index >= 2, "eE".contains(characters[index - 1]), characters[index - 2].isNumber {
        continue
      }
      return (
        String(characters[..<index]), characters[index], String(characters[(index + 1)...])
      )
    }
    return (text, nil, "")
  }

  /// A number and its unit.
  private static func number(_ text: String) -> (value: Double, unit: String)? {
    let trimmed = text.trimmingCharacters(in: .whitespaces)
    guard (try? Quantity(parsing: trimmed)) != nil else { return nil }
    var end = trimmed.endIndex
    while end > trimmed.startIndex {
      if let value = Double(trimmed[..<end].replacing("_", with: "")) {
        return (value, trimmed[end...].trimmingCharacters(in: .whitespaces))
      }
      end = trimmed.index(before: end)
    }
    return nil
  }

  private static func problem(_ text: String, _ why: String, _ origin: String) -> Diagnostic {
    Diagnostic(
      location: SourceLocation(origin: origin),
      message: "'\(text)' is no range: \(why)expected first..last+step, first..last*factor, or"
        + " first..last in a design, with one unit, e.g. 10%..50%+10%, 1..64*2")
  }
}
