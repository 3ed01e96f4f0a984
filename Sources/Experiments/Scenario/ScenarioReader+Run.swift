// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Policies
import Serving
import Units
import Workload

extension ScenarioReader {
  /// Where requests come from, with the trace's path resolved.
  func workload(_ top: MappingReader) -> WorkloadDescription {
    let node = top.requiredChild("workload")
    var description = WorkloadDescription(reading: node, into: collector)
    if let text = description.trace, let trace = node["trace"] {
      description.trace = path(text, .trace, trace) ?? text
    }
    return description
  }

  /// The limits of batching.
  func serving(_ top: MappingReader, policy: ScenarioPolicy) -> ScenarioServing {
    let reader = MappingReader(top.requiredChild("serving"), into: collector)
    defer { reader.finish() }
    let spread = self.spread(reader, policy: policy)
    let budget = reader.int("token_budget", in: 1...(1 << 24)) ?? 1
    return ScenarioServing(
      maximumBatch: reader.int("max_batch", in: 1...65_536) ?? 1,
      tokenBudget: budget,
      chunkedPrefill: reader.bool("chunked_prefill") ?? true,
      admissionInterval: reader.int("admission_interval", in: 1...100_000) ?? 1,
      promptBalance: reader.int("prompt_balance", in: 0...100_000) ?? 0,
      beams: reader.int("beams", in: 1...budget) ?? 1,
      finishedStay: finishedStay(reader, policy),
      keyValueBlockTokens: reader.int("kv_block", in: 1...65_536) ?? 16,
      keyValueBlocks: keyValueBlocks(reader, top),
      sharesPrefixes: reader.bool("prefix_cache") ?? false,
      preemption: preemption(reader, top),
      scheduling: scheduling(reader, top, policy),
      speculation: reader.mapping("speculative").flatMap { speculation($0, budget: budget) },
      spread: spread)
  }

  /// Whether sequences that have ended stay in their batch, which must be a closed one.
  private func finishedStay(_ reader: MappingReader, _ policy: ScenarioPolicy) -> Bool {
    guard reader.choice("finished_sequences", among: ["leave", "stay"]) == "stay" else {
      return false
    }
    let closing = RoleRegistry.admission.filter {
      (try? $0.make()) is any ClosedBatchPolicy
    }.map(\.name)
    if !closing.contains(policy.admission.name) {
      reader.report(
        "finished_sequences",
        "'stay' needs a batch that others do not join; set policy.admission to"
          + " \(closing.joined(separator: " or "))")
    }
    return true
  }

  /// How many blocks the KV cache holds, where that is said in place of its bytes.
  private func keyValueBlocks(_ reader: MappingReader, _ top: MappingReader) -> Int? {
    guard let blocks = reader.int("kv_blocks", in: 1...(1 << 40)) else { return nil }
    if let room = top.child("cache")?["kv"]?.scalar, room != "auto" {
      reader.report(
        "kv_blocks",
        "says how large the KV cache is, and so does cache.kv, '\(room)'; leave out one of the two")
    }
    return blocks
  }

  /// Whose turn it is; priorities that nobody asks for are refused.
  private func scheduling(
    _ reader: MappingReader, _ top: MappingReader, _ policy: ScenarioPolicy
  ) -> BatchFeatures.Scheduling {
    let names = BatchFeatures.Scheduling.allCases.map(\.rawValue)
    let scheduling =
      reader.choice("scheduling", among: names).flatMap(BatchFeatures.Scheduling.init)
      ?? .firstComeFirstServed
    if scheduling == .priority, policy.admission.name != "fcfs" {
      reader.report(
        "scheduling",
        "'priority' says who is admitted, and so does policy.admission, '\(policy.admission.name)';"
          + " expected policy.admission: fcfs")
    }
    if scheduling != .priority, top.child("workload")?["priorities"] != nil {
      reader.report(
        "scheduling", "'fcfs' has no use for workload.priorities; expected priority beside them")
    }
    return scheduling
  }

  /// How tokens are drafted and verified.
  private func speculation(_ reader: MappingReader, budget: Int) -> ScenarioSpeculation? {
    defer { reader.finish() }
    let tokens = reader.requiredInt("draft_tokens", in: 1...1024)
    if tokens >= budget {
      reader.report(
        "draft_tokens",
        "\(tokens) and one more are verified in a step; expected fewer than serving.token_budget,"
          + " \(budget)")
    }
    let acceptance = reader.requiredQuantity("acceptance", .fraction, in: 0...1)
    guard let draft = reader.mapping("draft") else {
      if !reader.has("draft") {
        reader.report("draft", "is missing; expected {model: NAME} or {cost: SHARE}")
      }
      return nil
    }
    defer { draft.finish() }
    guard draft.has("model") != draft.has("cost") else {
      draft.report("cost", "one of model and cost is needed, and only one")
      draft.ignoreRest()
      return nil
    }
    if draft.has("model") {
      return ScenarioSpeculation(
        draftTokens: tokens, acceptance: acceptance,
        draft: .model(reference(draft, "model", .model)))
    }
    let cost = draft.requiredQuantity("cost", .fraction, in: 0...1)
    return ScenarioSpeculation(draftTokens: tokens, acceptance: acceptance, draft: .share(cost))
  }

  /// What becomes of preempted sequences, with room in host memory where they go there.
  private func preemption(
    _ reader: MappingReader, _ top: MappingReader
  ) -> BatchFeatures.Preemption {
    let names = BatchFeatures.Preemption.allCases.map(\.rawValue)
    let preemption =
      reader.choice("preemption", among: names).flatMap(BatchFeatures.Preemption.init) ?? .recompute
    if preemption == .swap, top.child("cache")?["swap"] == nil {
      reader.report("preemption", "'swap' needs room in host memory; expected cache.swap beside it")
    }
    return preemption
  }

  /// The service-level objectives.
  func objectives(_ top: MappingReader) -> [ScenarioObjective] {
    guard let reader = top.mapping("slo") else { return [] }
    defer { reader.finish() }
    let written = (reader.node.mapping ?? []).map(\.key)
    var objectives: [ScenarioObjective] = []
    let known = ["ttft", "tpot", "e2el"].flatMap { metric in
      ["mean", "p50", "p90", "p95", "p99", "max"].map { (metric, $0) }
    }
    for (metric, statistic) in known {
      let key = "\(metric)_\(statistic)"
      guard written.contains(key) else {
        reader.ignore(key)
        continue
      }
      if let limit = reader.quantity(key, .seconds, in: 0...1e9) {
        objectives.append(
          ScenarioObjective(metric: metric, statistic: statistic, limitSeconds: limit))
      }
    }
    return objectives
  }

  /// How often, how long and from which seed.
  func run(_ top: MappingReader) -> ScenarioRun {
    let reader = MappingReader(top.requiredChild("run"), into: collector)
    defer { reader.finish() }
    return ScenarioRun(
      seed: UInt64(reader.int("seed", in: 0...Int.max) ?? 0),
      replications: reader.int("replications", in: 1...100_000) ?? 1,
      warmUp: warmUp(reader),
      durationSeconds: reader.quantity("duration", .seconds, in: 1e-6...1e9),
      improvements: reader.bool("improvements") ?? true)
  }

  private func warmUp(_ reader: MappingReader) -> ScenarioRun.WarmUp {
    guard let text = reader.string("warmup"), text != "auto" else { return .automatic }
    let quantity = try? Quantity(parsing: text)
    switch quantity?.dimension {
    case .count?:
      if let requests = reader.int("warmup", in: 0...1_000_000_000) { return .requests(requests) }
    case .seconds?:
      if let seconds = reader.quantity("warmup", .seconds, in: 0...1e9) { return .seconds(seconds) }
    default:
      reader.report(
        "warmup",
        "'\(text)' is no warm-up; expected auto, a number of requests, or a duration such as "
          + "5 min")
    }
    return .automatic
  }

  /// What is assumed about prices.
  func cost(_ top: MappingReader) -> ScenarioCost {
    let reader = MappingReader(top.requiredChild("cost"), into: collector)
    defer { reader.finish() }
    return ScenarioCost(
      energyPrice: reader.quantity("energy_price", .currencyPerEnergy, in: 0...1) ?? 0,
      lifetimeSeconds: reader.quantity("lifetime", .seconds, in: 1...1e10) ?? 1,
      load: reader.quantity("load", .fraction, in: 1e-4...1) ?? 1,
      powerUsageEffectiveness: reader.double("pue", in: 1...10) ?? 1,
      way: reader.choice("basis", among: CostBasis.Way.allCases.map(\.rawValue))
        .flatMap(CostBasis.Way.init) ?? .automatic)
  }
}
