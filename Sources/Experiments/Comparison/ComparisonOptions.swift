// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// What is compared, and how often.
public struct ComparisonOptions: Sendable {
  /// Presets by name or path, in the order of the report.
  public var policies: [String]
  /// The policy that the others are compared with; `nil` for the first.
  public var baseline: String?
  /// How many replications; `nil` for as many as the scenario's `run.replications`.
  public var replications: Int?
  /// Whether the ceilings are run as well.
  public var includesCeilings: Bool
  /// The probability with which each interval covers the true difference.
  public var confidence: Double

  /// A comparison of these policies.
  public init(
    policies: [String], baseline: String? = nil, replications: Int? = nil,
    includesCeilings: Bool = true, confidence: Double = 0.95
  ) {
    self.policies = policies
    self.baseline = baseline
    self.replications = replications
    self.includesCeilings = includesCeilings
    self.confidence = confidence
  }
}

/// What is wrong with a comparison that was asked for.
public enum ComparisonError: Error, CustomStringConvertible, Sendable {
  /// There is no policy to compare.
  case noPolicies
  /// A number of replications below one.
  case replications(Int)
  /// A baseline that is not among the policies.
  case unknownBaseline(String, policies: [String])
  /// A setting that would make all policies the same.
  case policyIsSet(String)

  /// What was found and what would be right.
  public var description: String {
    switch self {
    case .noPolicies:
      return "no policy to compare; name some, as in --policy lru,lfu,belady"
    case .replications(let count):
      return "\(count) replications; at least 1 is needed, and 2 for an interval"
    case .unknownBaseline(let name, let policies):
      let guess = closestMatch(to: name, among: policies).map { "; did you mean '\($0)'?" } ?? ""
      return "the baseline '\(name)' is not among the policies compared, which are "
        + policies.joined(separator: ", ") + guess
    case .policyIsSet(let setting):
      return "'--set \(setting)' chooses a policy; --policy says which are compared, and "
        + "--set policy.ROLE=… changes one role of them all"
    }
  }
}
