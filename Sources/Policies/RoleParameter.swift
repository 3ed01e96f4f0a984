// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// A parameter of a role's implementation, as scenarios and presets may set it.
public struct RoleParameter: Sendable {
  /// What may stand as its value.
  public enum Form: Sendable {
    /// A whole number within a range.
    case count(ClosedRange<Int>)
    /// A share within a range, or a list of at most so many shares.
    case shares(ClosedRange<Double>, most: Int)
    /// A number within a range.
    case number(ClosedRange<Double>)
    /// A duration [s] within a range.
    case duration(ClosedRange<Double>)
    /// A truth value, 1 or 0 among the settings.
    case flag
    /// One of several words.
    case choice([String])
    /// A number format, such as `int4`.
    case format
  }

  /// The key in scenarios.
  public let name: String
  /// What may stand as its value.
  public let form: Form
  /// What it means, in a few words.
  public let summary: String
  /// The value when it is not set.
  public let defaultValue: Double?
  /// The word when it is not set, of a choice or a format.
  public let defaultWord: String?
  /// What holds when it is neither set nor has a default value; `nil` when it must be set.
  public let otherwise: String?

  /// A parameter; one with neither default nor `otherwise` must be set.
  public init(
    _ name: String, _ form: Form, default defaultValue: Double? = nil, word: String? = nil,
    otherwise: String? = nil, summary: String
  ) {
    self.name = name
    self.form = form
    self.summary = summary
    self.defaultValue = defaultValue
    defaultWord = word
    self.otherwise = otherwise
  }

  /// Whether it must be set.
  public var isRequired: Bool { defaultValue == nil && defaultWord == nil && otherwise == nil }

  /// The default as descriptions show it.
  public var defaultText: String {
    guard let defaultValue else { return defaultWord ?? otherwise ?? "required" }
    if case .flag = form { return defaultValue == 0 ? "false" : "true" }
    if case .duration = form { return QuantityFormat().string(defaultValue, .seconds) }
    return Int(exactly: defaultValue).map(String.init) ?? "\(defaultValue)"
  }
}

/// The values of a role's parameters.
public struct RoleSettings: Sendable, Equatable {
  private struct Setting: Sendable, Equatable {
    var name: String
    var values: [Double] = []
    var text: String?
  }
  private var settings: [Setting] = []

  /// No parameter is set.
  public init() {}

  /// Sets a parameter to a value, or to a list of them.
  public mutating func set(_ name: String, to values: [Double]) {
    settings.removeAll { $0.name == name }
    settings.append(Setting(name: name, values: values))
  }

  /// The settings with the defaults of parameters that are not set.
  ///
  /// - Parameter owner: The implementation that the parameters belong to.
  /// - Throws: `RoleProblem` when a required parameter is not set.
  func completed(
    with parameters: [RoleParameter], of owner: String
  ) throws(RoleProblem) -> RoleSettings {
    var settings = self
    for parameter in parameters where !settings.isSet(parameter.name) {
      if let value = parameter.defaultValue { settings.set(parameter.name, to: [value]) }
      if let word = parameter.defaultWord { settings.set(parameter.name, to: word) }
      if parameter.isRequired {
        throw RoleProblem(
          parameter: parameter.name,
          message: "is missing; '\(owner)' needs it: \(parameter.summary)")
      }
    }
    return settings
  }

  /// Sets a parameter to a word or a format.
  public mutating func set(_ name: String, to text: String) {
    settings.removeAll { $0.name == name }
    settings.append(Setting(name: name, text: text))
  }

  /// Whether a parameter is set.
  public func isSet(_ name: String) -> Bool { settings.contains { $0.name == name } }

  /// The word of a parameter, if it is set.
  public func text(_ name: String) -> String? { settings.first { $0.name == name }?.text }

  /// The number, share or duration [s] of a parameter, if it is set.
  public func number(_ name: String) -> Double? { self[name]?.first }

  /// Whether a flag is set and true.
  public func flag(_ name: String) -> Bool { number(name) ?? 0 != 0 }

  /// The number format of a parameter, if it is set to one.
  public func format(_ name: String) -> NumberFormat? {
    text(name).flatMap { try? NumberFormat(parsing: $0) }
  }

  /// The values of a parameter, if it is set.
  public subscript(name: String) -> [Double]? { settings.first { $0.name == name }?.values }

  /// The whole number of a parameter, if it is set.
  public func count(_ name: String) -> Int? { self[name]?.first.map { Int($0) } }
}

/// What is wrong with the value of one parameter beside those of others.
public struct RoleProblem: Error, Equatable, CustomStringConvertible, Sendable {
  /// The parameter at fault.
  public var parameter: String
  /// What was found and what would be right.
  public var message: String

  /// A problem of a parameter.
  public init(parameter: String, message: String) {
    self.parameter = parameter
    self.message = message
  }

  /// The parameter and what is wrong with it.
  public var description: String { "\(parameter): \(message)" }
}
