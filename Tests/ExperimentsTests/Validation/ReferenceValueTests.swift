// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Experiments

@Suite("Values of reference cases")
struct ReferenceValueTests {
  /// Figures that can be told apart: run × metric.
  private static let figures: [String: Double] = [
    "lru tpot_ms.mean": 50, "fifo tpot_ms.mean": 80, "lru ttft_ms.mean": 200,
    "fifo ttft_ms.mean": 600, "lru expert_cache.hit_rate": 0.6, "roomy tpot_ms.mean": 0,
  ]

  private func simulated(_ value: String) throws -> Double {
    let system = try ReferenceFile.read(
      ReferenceFile.text([ReferenceFile.entry("a", value: value)]))
    return try system.cases[0].value.evaluate(
      figure: { run, metric in
        guard let value = Self.figures["\(run) \(metric)"] else { throw ReferenceProblem("absent") }
        return value
      },
      formula: { use in
        let run = try #require(use.run.flatMap { system.run($0) })
        let configuration = try run.scenario.configuration(library: ReferenceFile.library)
        return try use.formula.evaluate(.init(configuration: configuration, numbers: use.numbers))
      })
  }

  @Test(
    "are formed as they say",
    arguments: [
      ("{run: lru, metric: tpot_ms.mean}", 50.0),
      ("{run: lru, metric: tpot_ms.mean, times: 0.001}", 0.05),
      ("{run: lru, over: fifo, metric: tpot_ms.mean}", 0.625),
      ("{run: lru, against: fifo, as: reduction, metric: tpot_ms.mean}", 0.375),
      ("{run: fifo, against: lru, as: gain, metric: tpot_ms.mean}", 0.6),
      ("{run: fifo, against: lru, as: difference, metric: tpot_ms.mean}", 30),
      ("{run: lru, share: [tpot_ms.mean], of: [tpot_ms.mean, ttft_ms.mean]}", 0.2),
      ("{mean: [{run: lru, metric: tpot_ms.mean}, {run: fifo, metric: tpot_ms.mean}]}", 65),
      ("{sum: [{run: lru, metric: tpot_ms.mean}, {run: fifo, metric: tpot_ms.mean}]}", 130),
      ("{ratio: [{run: fifo, metric: ttft_ms.mean}, {run: lru, metric: tpot_ms.mean}]}", 12),
      ("{reduction: [{run: lru, metric: tpot_ms.mean}, {run: lru, metric: ttft_ms.mean}]}", 0.75),
      ("{gain: [{run: lru, metric: ttft_ms.mean}, {run: lru, metric: tpot_ms.mean}]}", 3),
      ("{difference: [{run: lru, metric: ttft_ms.mean}, {run: lru, metric: tpot_ms.mean}]}", 150),
      // 3 matrices of 1024 × 3584 in two bytes, twice over 22.020096 GB/s: 2 ms.
      ("{formula: expert-transfer, run: lru, experts: 2, rate: 22.020096 GB/s}", 2),
      // 24 experts of 22,020,096 bytes over the 23.9 GB/s that this machine's link achieves.
      ("{formula: streamed-model, run: lru}", 45.223841591),
    ] as [(String, Double)])
  func forms(value: String, expected: Double) throws {
    #expect(abs(try simulated(value) - expected) < 1e-8)
  }

  @Test("have no value where a figure is missing or 0 divides")
  func problems() {
    #expect(throws: ReferenceProblem.self) {
      try simulated("{run: roomy, metric: expert_cache.hit_rate}")
    }
    #expect(throws: ReferenceProblem.self) {
      try simulated("{run: lru, over: roomy, metric: tpot_ms.mean}")
    }
  }

  @Test("are ratios where one run stands against another")
  func kinds() throws {
    let system = try ReferenceFile.read(
      ReferenceFile.text([
        ReferenceFile.entry("a", value: "{run: lru, over: fifo, metric: tpot_ms.mean}"),
        ReferenceFile.entry(
          "b", value: "{mean: [{run: lru, over: fifo, metric: tpot_ms.mean}], times: 2}"),
        ReferenceFile.entry(
          "c", value: "{run: lru, against: fifo, as: difference, metric: tpot_ms.mean}"),
        ReferenceFile.entry("d", more: ", kind: ratio"),
      ]))
    #expect(system.cases.map(\.kind) == [.ratio, .ratio, .value, .ratio])
  }
}
