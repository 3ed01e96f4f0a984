// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation
import Serving
import TestSupport
import Testing

@testable import Experiments

/// A scenario whose experts take 24 KiB, and a folder for their file.
private final class SmallRehearsal {
  let folder = FileManager.default.temporaryDirectory.appending(path: "rehearse-\(UUID())").path
  let library = DataLibrary(roots: [Checkout.root.path])

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try """
    name: small
    hardware: cpu-desktop
    runtime: ideal
    model:
      {model_type: mixtral, hidden_size: 64, intermediate_size: 32, num_hidden_layers: 3,
       num_attention_heads: 4, num_key_value_heads: 2, vocab_size: 100, num_local_experts: 8,
       num_experts_per_tok: 2, tie_word_embeddings: false, torch_dtype: float32}
    precision: {experts: fp32, attention: fp32, dense: fp32, router: fp32, head: fp32,
      embeddings: fp32, shared_experts: fp32, kv: fp32, activations: fp32}
    cache: {experts: 3, kv: 64 MiB}
    policy: lru
    routing: {generator: typical}
    workload:
      arrivals: {process: all-at-once}
      lengths: {prompt: {distribution: uniform, min: 1, max: 9}, output: 12}
      requests: 3
    serving: {max_batch: 2}
    run: {seed: 7, warmup: 0}
    """.write(toFile: folder + "/small.yaml", atomically: true, encoding: .utf8)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func study(
    _ overrides: [String] = [], change: (inout RehearsalOptions) -> Void = { _ in }
  ) throws -> RehearsalStudy {
    var options = RehearsalOptions(folder: folder)
    options.settings.source = .memory
    options.settings.plainProducts = true
    options.settings.checksContent = true
    options.measuringSeconds = 1e-4
    options.repeats = 1
    options.keepsFile = true
    change(&options)
    let scenario = try Scenario.load(
      folder + "/small.yaml", overrides: overrides, library: library)
    return try RehearsalStudy(scenario, options: options, library: library)
  }
}

@Suite("Rehearsals")
struct RehearsalStudyTests {
  @Test(
    "An execution that decides by itself does what the simulation does, access for access",
    arguments: ["lru", "lfu", "fifo"], ["per-layer", "global"])
  func live(rule: String, pool: String) throws {
    let small = try SmallRehearsal()
    for (seed, slots) in [(1, 1), (2, 2), (3, 3), (4, 5), (5, 7)] {
      let report = try small.study([
        "policy.eviction=\(rule)", "cache.pool=\(pool)", "run.seed=\(seed)",
        "cache.experts=\(pool == "global" ? 3 * slots - 1 : slots)",
        "cache.initial=\(seed == 3 ? "empty" : "filled")",
      ]).run().report
      #expect(report.decisions == "live")
      #expect(report.accessesAreEqual && report.hitsAreEqual && report.bytesAreEqual)
      #expect(report.contentIsRight)
      #expect(report.measured.execution.late == 0)
      #expect(report.simulated.bytes > 0)
      #expect(report.simulated.decodeSteps == report.measured.execution.decodeSteps)
    }
  }

  @Test(
    "An execution that follows decisions reads the same bytes, what is fetched ahead included",
    arguments: ["per-layer", "global"], [1, 3])
  func followed(pool: String, readers: Int) throws {
    let small = try SmallRehearsal()
    for seed in 1...4 {
      let report = try small.study([
        "policy.prefetch={name: predicted, depth: 2}",
        "policy.prediction={name: recall, recall: [0.6, 0.5]}", "cache.pool=\(pool)",
        "cache.experts=\(pool == "global" ? 10 : 4)", "run.seed=\(seed)",
      ]) { $0.settings.readers = readers }.run().report
      #expect(report.decisions == "simulated")
      #expect(report.bytesAreEqual && report.hitsAreEqual && report.contentIsRight)
      #expect(report.simulated.prefetched > 0)
      #expect(report.simulated.prefetched == report.measured.execution.prefetched)
    }
  }

  @Test("Dense layers, shared experts and a schedule that waits for all are executed")
  func parts() throws {
    let small = try SmallRehearsal()
    let report = try small.study([
      "policy.schedule=load-then-compute",
      "model={model_type: deepseek, hidden_size: 64, num_hidden_layers: 3, num_attention_heads: 4,"
        + " num_key_value_heads: 4, vocab_size: 100, tie_word_embeddings: false,"
        + " intermediate_size: 96, moe_intermediate_size: 32, n_routed_experts: 8,"
        + " num_experts_per_tok: 2, n_shared_experts: 2, first_k_dense_replace: 1,"
        + " moe_layer_freq: 1, torch_dtype: float32}",
    ]).run().report
    #expect(report.accessesAreEqual && report.bytesAreEqual && report.contentIsRight)
    let stages = report.measured.execution.stagesMs
    #expect(stages.first { $0.name == "shared experts" }?.ms ?? 0 > 0)
    #expect(stages.first { $0.name == "dense feed-forward" }?.ms ?? 0 > 0)
  }

  @Test("A drive is read past the page cache, where the file system lets it be")
  func drive() throws {
    let small = try SmallRehearsal()
    do {
      let report = try small.study { $0.settings.source = .drive }.run().report
      #expect(report.accessesAreEqual && report.bytesAreEqual && report.contentIsRight)
    } catch let refusal as ComputeError {
      #expect(refusal.description.contains("O_DIRECT"))
    }
  }

  @Test("A paced simulation has a drive of that rate")
  func paced() throws {
    let small = try SmallRehearsal()
    let study = try small.study {
      $0.settings.pace = 5e6
      $0.settings.readers = 2
    }
    #expect(study.configuration.figures.drive?.bandwidth == 5e6)
    #expect(study.configuration.figures.drive?.laneRate == 5e6)
    #expect(study.configuration.figures.drive?.lanes == 2)
  }

  @Test("What exceeds the budget is refused with numbers and what would fit")
  func budgets() throws {
    let small = try SmallRehearsal()
    #expect {
      try small.study { $0.budget.disk = 300_000 }.run()
    } throws: { error in
      let text = "\(error)"
      return error is DoesNotFit && text.contains("file of experts")
        && text.contains("1 instead of 3 MoE layers")
    }
    #expect {
      try small.study { $0.budget.memory = 400_000 }.run()
    } throws: { error in
      let text = "\(error)"
      return error is DoesNotFit && text.contains("expert cache") && text.contains("would fit")
    }
    #expect {
      try small.study { $0.budget.seconds = 1e-6 }.run()
    } throws: { error in
      error is RehearsalTooLong && "\(error)".contains("--budget seconds=")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: small.folder) == ["small.yaml"])
  }

  @Test(
    "What is not executed is refused, and said",
    arguments: [
      ("precision.experts=bf16", "fp32"), ("hardware=rtx-4090-desktop", "GPU"),
      ("policy.schedule=expert-by-expert", "expert-by-expert"),
      ("cache.experts=all", "every expert"),
      ("policy={prefetch: all}", ""),
    ])
  func refusals(override: String, word: String) throws {
    let small = try SmallRehearsal()
    guard !word.isEmpty else {
      let report = try small.study([override]).run().report
      #expect(report.bytesAreEqual)
      return
    }
    #expect {
      try small.study([override]).run()
    } throws: { error in
      "\(error)".contains(word)
    }
    #expect {
      try small.study(["policy.prefetch=all"]) { $0.decisions = .live }.run()
    } throws: { error in
      "\(error)".contains("--decisions simulated")
    }
  }
}
