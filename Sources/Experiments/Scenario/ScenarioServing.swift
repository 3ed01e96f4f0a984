// SPDX-License-Identifier: GPL-3.0-or-later

import Serving

/// The limits of batching.
public struct ScenarioServing: Sendable {
  /// Sequences that may run at once.
  public var maximumBatch: Int
  /// Tokens that a step may compute, prompt and output together.
  public var tokenBudget: Int
  /// Whether long prompts are cut into chunks.
  public var chunkedPrefill: Bool
  /// Steps after which new requests are looked for, while those that run only decode.
  public var admissionInterval: Int
  /// Steps for which data-parallel ranks let prompts wait until each has one.
  public var promptBalance: Int
  /// Beams of each sequence.
  public var beams: Int
  /// Whether sequences that have ended keep computing until their closed batch has.
  public var finishedStay: Bool
  /// Tokens in a block of the KV cache.
  public var keyValueBlockTokens: Int
  /// Blocks of the KV cache, where the scenario counts them; else `cache.kv` says its size.
  public var keyValueBlocks: Int?
  /// Whether prompts that begin alike share their keys and values.
  public var sharesPrefixes: Bool
  /// What becomes of the keys and values of a preempted sequence.
  public var preemption: BatchFeatures.Preemption
  /// Whose turn it is.
  public var scheduling: BatchFeatures.Scheduling
  /// How tokens are drafted and verified; `nil` where each step decodes one.
  public var speculation: ScenarioSpeculation?
  /// How replicas are spread over GPUs, and how many there are.
  public var spread: ScenarioSpread

  /// Devices over which a schedule of whole steps spreads experts; 1 with any other.
  public var expertDevices: Int { spread.isBySchedule ? spread.plan.expert : 1 }
}

/// How tokens are drafted and verified.
public struct ScenarioSpeculation: Sendable {
  /// What drafts.
  public enum Draft: Sendable {
    /// A share of the device's time in a step for each token.
    case share(Double)
    /// A model.
    case model(ScenarioReference)
  }

  /// Tokens drafted for each verification.
  public var draftTokens: Int
  /// The probability that a drafted token is accepted.
  public var acceptance: Double
  /// What drafts.
  public var draft: Draft
}

/// A limit that a service promises.
public struct ScenarioObjective: Hashable, Sendable {
  /// The latency that is limited: `ttft`, `tpot` or `e2el`.
  public var metric: String
  /// The figure of its distribution: `mean`, `p50`, `p90`, `p95`, `p99` or `max`.
  public var statistic: String
  /// The limit [s].
  public var limitSeconds: Double

  /// A limit on a figure of a latency.
  public init(metric: String, statistic: String, limitSeconds: Double) {
    self.metric = metric
    self.statistic = statistic
    self.limitSeconds = limitSeconds
  }

  /// The key as scenarios write it, "tpot_p99".
  public var key: String { "\(metric)_\(statistic)" }

  /// The limit as a report's figures are compared with it, "tpot_ms.p99<=100".
  public var requirement: String { "\(metric)_ms.\(statistic)<=\(limitSeconds * 1000)" }
}
