// SPDX-License-Identifier: GPL-3.0-or-later

public import Serving

/// Several policies on the same requests and the same routing, and how they differ.
public struct PolicyComparison: Codable, Sendable {
  /// One policy, or a ceiling that no policy of its kind passes.
  public struct Row: Codable, Sendable {
    /// What a row stands for.
    public enum Kind: String, Codable, Sendable {
      /// A policy that was asked for.
      case policy
      /// A bound.
      case ceiling
    }

    /// The policy as it was asked for, or the ceiling's name.
    public var name: String
    /// What the row stands for.
    public var kind: Kind
    /// The policy's roles.
    public var roles: Roles
    /// Whether its eviction rule knows the future, so that no machine can run it.
    public var knowsFuture: Bool
    /// The means over the replications with a steady state; `nil` when there is none.
    public var mean: ComparisonFigures?
    /// The replications with a steady state.
    public var steadyReplications: Int
    /// The replications without.
    public var unstableReplications: Int
    /// How near the policy comes to the ceilings; `nil` for ceilings, and where they were not run.
    public var ceilingShare: CeilingShares?
    /// The differences from the baseline; `nil` for the baseline itself and for ceilings.
    public var versusBaseline: Differences?
    /// Every replication.
    public var runs: [Run]
  }

  /// The speed of a policy, by ``PolicyComparison/measure``, as a share of the ceilings'.
  public struct CeilingShares: Codable, Sendable {
    /// Of the baseline with Belady's eviction; a policy that fetches ahead may pass it.
    public var belady: Double?
    /// Of a machine in which no expert's transfer takes time.
    public var linkBound: Double?
    /// Of perfect prefetch over an unlimited horizon: a step takes what computing takes, or what
    /// the link needs for the bytes that Belady's eviction cannot avoid, whichever is more.
    public var perfectPrefetch: Double?

    /// Shares of ceilings.
    public init(belady: Double? = nil, linkBound: Double? = nil, perfectPrefetch: Double? = nil) {
      self.belady = belady
      self.linkBound = linkBound
      self.perfectPrefetch = perfectPrefetch
    }
  }

  /// The roles of a policy by name.
  public struct Roles: Codable, Hashable, Sendable {
    /// Whom to drop from the fastest memory.
    public var eviction: String
    /// Whom to drop from host memory.
    public var hostEviction: String
    /// Which experts of later layers are likely.
    public var prediction: String
    /// What to fetch ahead.
    public var prefetch: String
    /// In which order a layer's experts are computed.
    public var schedule: String
    /// In which version, where, and whether an activated expert is computed.
    public var resolve: String
    /// What starts where.
    public var placement: String
    /// Who joins the batch.
    public var admission: String
    /// What is served in place of the published model.
    public var transform: String
    /// The kernels that depart from the timing law.
    public var kernels: String
  }

  /// One replication of one policy.
  public struct Run: Codable, Sendable {
    /// The replication.
    public var replication: UInt32
    /// Whether load stayed below capacity.
    public var stable: Bool
    /// Why not, if not.
    public var reason: String
    /// Requests that arrived.
    public var arrived: Int
    /// Requests that completed.
    public var completed: Int
    /// Prompt tokens of completed requests.
    public var promptTokens: Int64
    /// Output tokens of completed requests.
    public var outputTokens: Int64
    /// Its figures.
    public var figures: ComparisonFigures
  }

  /// Paired differences of the figures that decide, policy − baseline.
  public struct Differences: Codable, Sendable {
    /// Of output tokens per second.
    public var outputTokensPerSecond: PairedDifference?
    /// Of mean time to first token [ms].
    public var ttftMs: PairedDifference?
    /// Of mean time per output token [ms].
    public var tpotMs: PairedDifference?
    /// Of the hit rate.
    public var hitRate: PairedDifference?
    /// Of the stalled time per output token [ms].
    public var stallMsPerToken: PairedDifference?
  }

  /// The figure by which policies are ranked.
  public enum Measure: String, Codable, Sendable {
    /// Output tokens per second, where the machine sets it: closed loops, all-at-once arrivals.
    case outputTokensPerSecond = "output_tokens_per_second"
    /// Mean time per output token, where arrivals set the throughput of whoever keeps up.
    case tpotMs = "tpot_ms"
  }

  /// The version of this record's schema, "major.minor".
  public var schemaVersion = "1.1"
  /// The name of the scenario.
  public var scenario: String
  /// The seed of all runs.
  public var seed: UInt64
  /// How many replications were asked for.
  public var replications: Int
  /// The probability with which each interval covers the true difference.
  public var confidence: Double
  /// What was simulated, in words; the policy is the baseline's.
  public var setting: SimulationResult.SettingSummary
  /// The policy that the others are compared with.
  public var baseline: String
  /// The figure by which policies are ranked.
  public var measure: Measure
  /// Which policy wins and why.
  public var verdict: String
  /// The policies in the order asked for, then the ceilings.
  public var rows: [Row]
  /// What a reader must know.
  public var notices: [String]
  /// All that is not deterministic.
  public var runInfo: SimulationResult.RunInfo?
}
