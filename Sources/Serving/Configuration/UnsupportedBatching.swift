// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies

/// Features of batching and of the KV cache that an engine cannot combine.
public struct UnsupportedBatching: Error, CustomStringConvertible, Sendable {
  /// What was found and what would be right.
  public var description: String

  /// Refuses what cannot be combined.
  ///
  /// - Throws: ``UnsupportedBatching`` with the first of the combinations found.
  static func check(_ configuration: ServingConfiguration) throws {
    if configuration.batching.scheduling == .priority,
      !(configuration.policy.admission is FirstComeFirstServed)
    {
      throw UnsupportedBatching(
        description:
          "serving.scheduling: priority says who is admitted, and so does another admission"
          + " than fcfs; set policy.admission to fcfs")
    }
    try checkDraft(configuration)
    let wanted = features(of: configuration)
    guard let first = wanted.first else { return }
    if configuration.batching.preemption == .swap, configuration.figures.isUnified {
      throw UnsupportedBatching(
        description: "serving.preemption: swap moves keys and values to host memory;"
          + " \(configuration.figures.name) has one memory for host and device, expected recompute")
    }
    for (reason, isThere) in obstacles(in: configuration) where isThere {
      throw UnsupportedBatching(description: "\(first) \(reason)")
    }
  }

  /// Refuses what cannot draft, and budgets that no verification fits.
  private static func checkDraft(_ configuration: ServingConfiguration) throws {
    guard let speculation = configuration.batching.speculation else { return }
    if let model = speculation.model?.descriptor, !model.isDense || model.isEncoderDecoder {
      throw UnsupportedBatching(
        description:
          "serving.speculative.draft.model is \(model.name), which is no dense decoder; expected"
          + " one, or draft: {cost: SHARE}")
    }
    if configuration.limits.tokenBudget <= speculation.draftTokens {
      throw UnsupportedBatching(
        description:
          "serving.speculative verifies \(speculation.draftTokens + 1) tokens of a sequence in"
          + " a step; serving.token_budget is \(configuration.limits.tokenBudget), expected at least"
          + " \(speculation.draftTokens + 1)")
    }
  }

  /// Refuses prefixes that a model, a workload or a block size cannot share.
  ///
  /// - Parameter prefixBlockTokens: Tokens in a prefix block of the workload; 0 where it has none.
  /// - Throws: ``UnsupportedBatching``.
  static func checkPrefixes(
    _ features: BatchFeatures, model: ModelDescriptor, precision: PrecisionPlan,
    cache: CacheConfiguration, prefixBlockTokens: Int
  ) throws {
    guard features.sharesPrefixes else { return }
    let block = cache.keyValueBlockTokens
    var problem: String?
    if model.stateBytesPerSequence(under: precision) > 0 {
      problem =
        "shares keys and values; \(model.name) keeps recurrent state, which blocks do"
        + " not hold"
    } else if prefixBlockTokens == 0 {
      problem =
        "needs a workload that says which prompts begin alike: a trace with prefix blocks (mooncake,"
        + " or moesim with the column prefix_blocks)"
    } else if prefixBlockTokens % block != 0 {
      problem =
        "shares prefix blocks of \(prefixBlockTokens) tokens, which must be whole KV blocks;"
        + " serving.kv_block is \(block), expected a divisor of \(prefixBlockTokens)"
    }
    if let problem { throw UnsupportedBatching(description: "serving.prefix_cache \(problem)") }
  }

  /// The scenario keys of the features that are on and that need plain continuous batching.
  private static func features(of configuration: ServingConfiguration) -> [String] {
    var names: [String] = []
    if configuration.cache.keyValueBlocks != nil { names.append("serving.kv_blocks") }
    if configuration.batching.sharesPrefixes { names.append("serving.prefix_cache") }
    if configuration.batching.preemption == .swap { names.append("serving.preemption: swap") }
    if configuration.batching.speculation != nil { names.append("serving.speculative") }
    return names
  }

  /// What stands against them.
  private static func obstacles(
    in configuration: ServingConfiguration
  ) -> [(reason: String, isThere: Bool)] {
    let policy = configuration.policy
    return [
      (
        "counts the keys and values of a decoder; \(configuration.model.name) is an encoder–decoder",
        configuration.model.isEncoderDecoder
      ),
      (
        "belongs to continuous batching; the schedule decides whole steps beforehand, so that"
          + " policy.schedule must be another",
        policy.schedule is any GraphSchedulePolicy
      ),
      (
        "belongs to continuous batching; the admission closes batches, so that policy.admission must"
          + " be fcfs",
        policy.admission is any ClosedBatchPolicy
      ),
      (
        "counts one sequence of tokens for each request; serving.beams must be 1",
        configuration.limits.beams > 1
      ),
      (
        "needs a KV cache of a fixed size; cache.kv must be auto or bytes",
        configuration.cache.keyValue.isElastic
      ),
    ]
  }
}

extension CacheConfiguration.KeyValueCapacity {
  /// Whether it takes room from the experts.
  var isElastic: Bool {
    if case .elastic = self { true } else { false }
  }
}
