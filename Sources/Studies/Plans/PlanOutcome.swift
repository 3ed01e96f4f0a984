// SPDX-License-Identifier: GPL-3.0-or-later

/// What came of a plan.
public struct PlanOutcome: Codable, Sendable {
  /// The version of this record's schema, "major.minor".
  public var schemaVersion = "1.0"
  /// The plan's name.
  public var plan: String
  /// The seed of all randomness.
  public var seed: UInt64
  /// What ranks plans, in words.
  public var objective: String
  /// Whether every candidate was simulated whole, in place of a search.
  public var exhaustive: Bool
  /// The answer in a sentence.
  public var verdict: String
  /// How many candidates there are.
  public var candidates: Int
  /// Candidates that were never simulated, by reason, the most frequent first.
  public var excluded: [Excluded]
  /// The rounds of screening.
  public var rounds: [Round]
  /// What the search took.
  public var work: Work
  /// The candidates that were replicated, the best first.
  public var finalists: [Finalist]
  /// The number of the best plan among the finalists; `nil` where none does.
  public var best: Int?
  /// Numbers of the finalists on the Pareto front.
  public var front: [Int]
  /// Why nothing fits; `nil` where something does.
  public var nothingFits: NothingFits?
  /// What a reader must know.
  public var notices: [String]

  /// Candidates that were never simulated for one reason.
  public struct Excluded: Codable, Sendable {
    /// The reason.
    public var reason: String
    /// How many.
    public var count: Int
    /// The one that came nearest.
    public var nearest: String
    /// What it lacks.
    public var example: String
  }

  /// One round of screening.
  public struct Round: Codable, Sendable {
    /// Requests of each run.
    public var requests: Int
    /// Candidates at its beginning.
    public var candidates: Int
    /// Candidates that went on.
    public var kept: Int
    /// Simulated events.
    public var events: UInt64
  }

  /// What the search took.
  public struct Work: Codable, Sendable {
    /// Candidates that were simulated at all.
    public var simulated = 0
    /// Runs of screening and of replications.
    public var runs = 0
    /// Their simulated events.
    public var events: UInt64 = 0
    /// Runs for headroom and sensitivities of the finalists.
    public var detailRuns = 0
    /// Their simulated events.
    public var detailEvents: UInt64 = 0
    /// A record in which everything is zero.
    public init() {}
  }

  /// A candidate that was replicated.
  public struct Finalist: Codable, Sendable {
    /// Its number among the candidates, from 1.
    public var number: Int
    /// The choices that tell it from others.
    public var label: String
    /// All choices.
    public var choices: PlanChoices
    /// Whether it meets every objective and keeps every limit.
    public var isFeasible: Bool
    /// Whether the intervals leave no doubt of that.
    public var isCertain: Bool
    /// What it misses, the worst first.
    public var misses: [String]
    /// What a million output tokens cost [USD].
    public var usdPerMillionTokens: PlanEstimate?
    /// What an hour costs [USD].
    public var usdPerHour: PlanEstimate?
    /// The 99th percentile of the time to first token [ms].
    public var p99TtftMs: PlanEstimate?
    /// The 99th percentile of the time per output token [ms].
    public var p99TpotMs: PlanEstimate?
    /// Output tokens per second.
    public var outputTokensPerSecond: PlanEstimate?
    /// Mean power [W].
    public var meanWatts: PlanEstimate?
    /// The share of right answers; `nil` where nobody knows.
    public var accuracy: Double?
    /// Where the accuracy is from.
    public var accuracySource: String?
    /// Objectives and their figures.
    public var objectives: [Objective]
    /// Whether it is on the Pareto front.
    public var isOnFront: Bool
    /// What it consists of.
    public var bill: PlanBill
    /// What happens under more load; empty where it was not looked at.
    public var headroom: [Headroom]
    /// What breaks first as load grows; `nil` where it was not looked at.
    public var breaksFirst: String?
    /// How figures depend on rates; empty where it was not looked at.
    public var sensitivities: [Sensitivity]
    /// How to run it; `nil` where the runtime is not one whose settings are known.
    public var settings: RunnableSettings?
  }

  /// An objective and its figure.
  public struct Objective: Codable, Sendable {
    /// The key, "tpot_p99".
    public var key: String
    /// The limit [ms].
    public var limitMs: Double
    /// The figure [ms]; `nil` where a replication has none.
    public var found: PlanEstimate?
  }

  /// What happens under more load.
  public struct Headroom: Codable, Sendable {
    /// The load as a multiple of the plan's.
    public var load: Double
    /// Whether every objective is met.
    public var meets: Bool
    /// The 99th percentile of the time to first token [ms].
    public var p99TtftMs: Double?
    /// The 99th percentile of the time per output token [ms].
    public var p99TpotMs: Double?
    /// Output tokens per second.
    public var outputTokensPerSecond: Double
    /// What is missed, the worst first.
    public var misses: [String]
  }

  /// How figures depend on one rate: by how many per cent each changes for a rate of one per cent more.
  public struct Sensitivity: Codable, Sendable {
    /// The rate.
    public var rate: String
    /// Of what a million tokens cost.
    public var usdPerMillionTokens: Double?
    /// Of the 99th percentile of the time to first token.
    public var p99Ttft: Double?
    /// Of the 99th percentile of the time per output token.
    public var p99Tpot: Double?
    /// Whether objectives are still met where the rate is a tenth less.
    public var meetsWithTenthLess: Bool
  }

  /// Why nothing fits, and what nearly does.
  public struct NothingFits: Codable, Sendable {
    /// The limit or objective without which something would fit, or that excludes most.
    public var bindingLimit: String
    /// In words.
    public var explanation: String
    /// The plan that does, beyond a limit by the least; `nil` where none meets the objectives.
    public var nearestThatDoes: Near?
    /// The plan within all limits that misses the objectives by the least; `nil` where none runs.
    public var nearestWithinLimits: Near?
  }

  /// A plan that nearly fits.
  public struct Near: Codable, Sendable {
    /// Its number among the candidates, from 1.
    public var number: Int
    /// The choices that tell it from others.
    public var label: String
    /// What it is beyond or misses.
    public var lacks: [String]
    /// What it consists of.
    public var bill: PlanBill
    /// What a million output tokens cost [USD].
    public var usdPerMillionTokens: Double?
    /// The 99th percentile of the time to first token [ms].
    public var p99TtftMs: Double?
    /// The 99th percentile of the time per output token [ms].
    public var p99TpotMs: Double?
  }
}
