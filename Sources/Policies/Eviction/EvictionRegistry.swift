// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Residency

/// What an eviction rule may be made from.
public struct EvictionContext: Sendable {
  /// The blocks.
  public var layout: BlockLayout
  /// How the tier's room is divided.
  public var pools: PoolPlan
  /// How much each block is used, by block number, in any unit, where that is known beforehand.
  public var popularity: [Double]?
  /// What knows the future, where something does.
  public var future: (any NextUseOracle)?

  /// Creates a context.
  public init(
    layout: BlockLayout, pools: PoolPlan, popularity: [Double]? = nil,
    future: (any NextUseOracle)? = nil
  ) {
    self.layout = layout
    self.pools = pools
    self.popularity = popularity
    self.future = future
  }
}

/// An eviction rule's name, and how to make it.
public struct EvictionRegistration: Sendable {
  /// The name in scenarios and on the command line.
  public let name: String
  /// What it does, in a line.
  public let summary: String
  /// Whether it can only be made where something knows the future.
  public let needsFuture: Bool
  /// Whether it asks how popular each block is.
  public let usesPopularity: Bool
  /// The parameters that it knows; all others are refused.
  public let parameters: [RoleParameter]
  private let build: @Sendable (EvictionContext, RoleSettings) throws -> any EvictionPolicy
  private let check: @Sendable (RoleSettings) throws(RoleProblem) -> Void

  /// Creates a registration of a rule without parameters.
  public init(
    name: String, summary: String, needsFuture: Bool = false, usesPopularity: Bool = false,
    make: @escaping @Sendable (EvictionContext) throws -> any EvictionPolicy
  ) {
    self.name = name
    self.summary = summary
    self.needsFuture = needsFuture
    self.usesPopularity = usesPopularity
    parameters = []
    build = { context, _ in try make(context) }
    check = { (_) throws(RoleProblem) in }
  }

  /// Creates a registration of a rule with parameters.
  ///
  /// `make` gets values within the parameters' forms, those with a default always, that `check` has
  /// found no fault with.
  public init(
    name: String, summary: String, parameters: [RoleParameter], needsFuture: Bool = false,
    usesPopularity: Bool = false,
    check: @escaping @Sendable (RoleSettings) throws(RoleProblem) -> Void = {
      (_) throws(RoleProblem) in
    },
    make: @escaping @Sendable (EvictionContext, RoleSettings) throws -> any EvictionPolicy
  ) {
    self.name = name
    self.summary = summary
    self.needsFuture = needsFuture
    self.usesPopularity = usesPopularity
    self.parameters = parameters
    self.check = check
    build = make
  }

  /// Makes the rule; parameters that are not set have their defaults.
  ///
  /// - Throws: `EvictionError`, or `RoleProblem` when values contradict each other.
  public func make(
    _ context: EvictionContext, settings: RoleSettings = RoleSettings()
  ) throws -> any EvictionPolicy {
    let completed = try settings.completed(with: parameters, of: name)
    try check(completed)
    return try build(context, completed)
  }

  /// What is wrong with the values of its parameters, if anything.
  public func problem(_ settings: RoleSettings) -> RoleProblem? {
    do throws(RoleProblem) {
      try check(try settings.completed(with: parameters, of: name))
    } catch {
      return error
    }
    return nil
  }
}

/// The eviction rules, by name. A new rule is a file of its own and a line here.
public enum EvictionRegistry {
  /// All rules, in the order in which they are listed.
  public static let all: [EvictionRegistration] = [
    LRUEviction.registration,
    LFUEviction.registration,
    FIFOEviction.registration,
    LIFOEviction.registration,
    StaticEviction.registration,
    NoRetention.registration,
    BeladyRegistration.registration,
    HobbitEviction.registration,
    ExpertMapEviction.registration,
    ActivationEviction.registration,
  ]

  /// The names of all rules, in order.
  public static var names: [String] { all.map(\.name) }

  /// The rule with a name.
  ///
  /// - Throws: `EvictionError.unknown`, which lists the names and guesses what was meant.
  public static func named(_ name: String) throws(EvictionError) -> EvictionRegistration {
    guard let found = all.first(where: { $0.name == name }) else {
      throw .unknown(
        name: name, valid: names, suggestion: closestMatch(to: name, among: names))
    }
    return found
  }
}

/// Why there is no such eviction rule.
public enum EvictionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No rule has this name.
  case unknown(name: String, valid: [String], suggestion: String?)
  /// The rule needs to know the future, and nothing does.
  case needsFuture(name: String)

  /// What was found and what would be right.
  public var description: String {
    switch self {
    case .unknown(let name, let valid, let suggestion):
      let guess = suggestion.map { "; did you mean '\($0)'?" } ?? ""
      return "no eviction rule '\(name)'; there are \(valid.joined(separator: ", "))\(guess)"
    case .needsFuture(let name):
      return "the eviction rule '\(name)' needs to know future uses, which are not known here"
    }
  }
}
