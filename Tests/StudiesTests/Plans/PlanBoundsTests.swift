// SPDX-License-Identifier: GPL-3.0-or-later

import Serving
import Testing

@testable import Studies

#if !DEBUG
  /// Bounds are held against simulations: none may be above what a run shows.
  @Suite("Bounds of plans")
  struct PlanBoundsTests {
    private func prepared(_ yaml: String, _ overrides: [(String, String)]) throws
      -> [PreparedCandidate]
    {
      let plan = try TestPlan.read(yaml, set: overrides)
      return plan.candidates.compactMap { candidate in
        guard
          let prepared = try? PreparedCandidate(candidate, plan: plan, library: TestPlan.library),
          (try? prepared.checkMemory()) != nil
        else { return nil }
        return prepared
      }
    }

    private func bounds(_ prepared: PreparedCandidate) throws -> (PlanBounds, replicas: Int) {
      switch prepared.configuration {
      case .replica(let one): (try PlanBounds(one), 1)
      case .fleet(let fleet): (try PlanBounds(fleet.groups[0]), fleet.groups[0].replicas)
      }
    }

    static let cases: [(String, [(String, String)])] = [
      (
        TestPlan.desktop,
        [("candidates.policy", "[lru, fiddler, ktransformers, llama-cpp-ncmoe, hobbit]")]
      ),
      (
        TestPlan.desktop,
        [
          ("candidates.policy", "[lru, static]"), ("candidates.hardware", "[rtx-3090-desktop]"),
          ("base.cache.pool", "global"),
        ]
      ),
      (TestPlan.fleet, [("candidates.replicas", "[1, 2]")]),
      (
        TestPlan.fleet,
        [
          ("candidates.replicas", "[1]"), ("models", "[qwen3-30b-a3b, deepseek-v2-lite]"),
          ("candidates.hardware", "[a100-sxm-calibrated, h100-sxm-calibrated]"),
          ("candidates.parallelism", "[{tensor: 2}, {data: 4, expert: 4}, {pipeline: 2}]"),
          ("candidates.precision", "[native]"), ("base.routing", "{}"),
        ]
      ),
    ]

    @Test("A step reads the weights of a token once, at the data sheet's rate")
    func step() throws {
      let overrides = [
        ("candidates.hardware", "[a100-sxm-server]"), ("candidates.replicas", "[1]"),
        ("candidates.precision", "[native]"), ("candidates.parallelism", "[{tensor: 2}]"),
      ]
      let (bounds, _) = try bounds(try #require(try prepared(TestPlan.fleet, overrides).first))
      let attention = 2048 * 2048 * 2 + 2048 * 1024 * 2
      let experts = 2 * 3 * 2048 * 7168
      let weights = 6 * (attention + 2048 * 8 + experts) + 32_000 * 2048
      // Two bytes each, on two A100 of 2,039 GB/s.
      let seconds = Double(weights) * 2 / 2 / 2039e9
      #expect(abs(bounds.step / seconds - 1) < 2e-3)
      #expect(abs(bounds.deviceStep / seconds - 1) < 2e-3)
      // Dense FP16 at 312, INT8 at 624 TFLOPS is the fastest that an A100 has.
      let active = Double(6 * (attention + 2048 * 8 + experts))
      #expect(abs(bounds.perToken / (2 * active / (2 * 624e12)) - 1) < 2e-3)
      // Keys and values of eight heads of 128, in 16 bits.
      #expect(abs(bounds.keyValueBytesPerToken - Double(6 * 2 * 1024 * 2)) < 1)
    }

    @Test("No run is faster than its bounds", arguments: cases.indices)
    func latencies(index: Int) throws {
      let (yaml, overrides) = Self.cases[index]
      let all = try prepared(yaml, overrides)
      #expect(all.count >= 6)
      var tightest = 0.0
      for prepared in all {
        let (bounds, _) = try bounds(prepared)
        let result = try prepared.run(.init(requests: 12))
        let traffic = try PlanTraffic(prepared.scenario.workload, requests: 12, seed: 1)
        let shortest = traffic.quantile(0) { prompt, _ in prompt }
        let label = "\(prepared.candidate.choices)"
        if let tpot = result.tpotMs {
          #expect(bounds.timePerOutputToken * 1e3 * PlanBounds.trust <= tpot.min, "\(label)")
          tightest = max(tightest, bounds.timePerOutputToken * 1e3 / tpot.min)
        }
        if let ttft = result.ttftMs {
          #expect(
            bounds.timeToFirstToken(prompt: shortest) * 1e3 * PlanBounds.trust <= ttft.min,
            "\(label)")
        }
      }
      // A bound that says nothing would pass as well.
      #expect(tightest > 0.2)
    }

    @Test("No overloaded run carries more than its bounds", arguments: cases.indices)
    func loads(index: Int) throws {
      let (yaml, overrides) = Self.cases[index]
      let all = try prepared(
        yaml,
        overrides + [
          ("traffic", "{users: 300, prompt: 300, output: {distribution: uniform, min: 4, max: 40}}")
        ])
      for prepared in all where prepared.candidate.number % 3 == 0 {
        let (bounds, replicas) = try bounds(prepared)
        let result = try prepared.run(.init(requests: 400))
        let traffic = try PlanTraffic(prepared.scenario.workload, requests: 400, seed: 1)
        let most = Double(replicas) * bounds.requestsPerSecond(traffic) / PlanBounds.trust
        // From the first arrival to the last token, so that no work stands outside.
        let carried = Double(result.requests.completed) / result.simulatedSeconds
        #expect(carried <= most, "\(prepared.candidate.choices)")
      }
    }

    @Test(
      "What bounds exclude, no simulation accepts",
      arguments: [(20.0, 10.0), (4.0, 3.0), (200.0, 2.0)])
    func exclusions(rate: Double, tpot: Double) throws {
      let plan = try TestPlan.read(
        TestPlan.fleet,
        set: [
          ("traffic.rate", "\(rate * 10)/s"), ("slo.tpot_p99", "\(tpot) ms"),
          ("candidates.hardware", "[rtx-4090x4-server, a100-sxm-server]"),
          ("candidates.replicas", "[1, 2]"),
        ])
      var excluded = 0
      for candidate in plan.candidates {
        guard
          let prepared = try? PreparedCandidate(candidate, plan: plan, library: TestPlan.library),
          (try? prepared.checkMemory()) != nil
        else { continue }
        let traffic = try PlanTraffic(
          prepared.scenario.workload, requests: plan.search.requests, seed: plan.search.seed)
        guard let why = try prepared.exclusion(plan.objectives, traffic: traffic) else { continue }
        excluded += 1
        let figures = PlanFigures(
          try prepared.run(.init(requests: plan.search.requests)), objectives: plan.objectives,
          pricing: .buy)
        #expect(
          !figures.misses(plan.objectives).isEmpty, "\(candidate.choices): \(why.sentence)")
      }
      #expect(rate < 100 || excluded > 0)
    }
  }
#endif
