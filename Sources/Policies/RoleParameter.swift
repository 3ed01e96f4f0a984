// SPDX-License-Identifier: GPL-3.0-or-later

/// A parameter of a role's implementation, as scenarios and presets may set it.
public struct RoleParameter: Sendable {
  /// What may stand as its value.
  public enum Form: Sendable {
    /// A whole number within a range.
    case count(ClosedRange<Int>)
    /// A share within a range, or a list of at most so many shares.
    case shares(ClosedRange<Double>, most: Int)
  }

  /// The key in scenarios.
  public let name: String
  /// What may stand as its value.
  public let form: Form
  /// What it means, in a few words.
  public let summary: String
  /// The value when it is not set.
  public let defaultValue: Double?
  /// What holds when it is neither set nor has a default value; `nil` when it must be set.
  public let otherwise: String?

  /// A parameter; one with neither default nor `otherwise` must be set.
  public init(
    _ name: String, _ form: Form, default defaultValue: Double? = nil, otherwise: String? = nil,
    summary: String
  ) {
    self.name = name
    self.form = form
    self.summary = summary
    self.defaultValue = defaultValue
    self.otherwise = otherwise
  }

  /// Whether it must be set.
  public var isRequired: Bool { defaultValue == nil && otherwise == nil }

  /// The default as descriptions show it.
  public var defaultText: String {
    guard let defaultValue else { return otherwise ?? "required" }
    return Int(exactly: defaultValue).map(String.init) ?? "\(defaultValue)"
  }
}

/// The values of a role's parameters.
public struct RoleSettings: Sendable, Equatable {
  private struct Setting: Sendable, Equatable {
    var name: String
    var values: [Double]
  }
  private var settings: [Setting] = []

  /// No parameter is set.
  public init() {}

  /// Sets a parameter to a value, or to a list of them.
  public mutating func set(_ name: String, to values: [Double]) {
    settings.removeAll { $0.name == name }
    settings.append(Setting(name: name, values: values))
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
