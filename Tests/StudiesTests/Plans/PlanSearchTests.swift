// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Testing

@testable import Studies

#if !DEBUG
  @Suite("The search for plans")
  struct PlanSearchTests {
    /// Brute force over a hundred candidates takes minutes: scripts/plan-brute-force.
    @Test("The search finds brute force's optimum with less than half of its events")
    func bruteForce() throws {
      let few = [
        ("candidates.hardware", "[rtx-3060-desktop, rtx-4090-desktop]"),
        ("candidates.policy", "[lru, fiddler]"),
        ("candidates.precision", "[native, {experts: int4}]"),
        ("search", "{requests: 64, screening: 8, finalists: 2, replications: 2, details: 0}"),
      ]
      let search = try TestPlan.run(TestPlan.desktop, set: few)
      let brute = try TestPlan.run(TestPlan.desktop, set: few, exhaustive: true)
      let best = try #require(brute.finalists.first { $0.isFeasible })
      #expect(search.best == best.number, "\(search.verdict) against \(brute.verdict)")
      #expect(Double(search.work.events) <= 0.5 * Double(brute.work.events))
      // The same runs, so the same figures.
      let found = try #require(search.finalists.first { $0.number == best.number })
      #expect(found.usdPerMillionTokens == best.usdPerMillionTokens)
      #expect(found.p99TpotMs == best.p99TpotMs)
    }

    @Test("The same plan and seed give the same bytes, however many runs are made at once")
    func deterministic() throws {
      let overrides = [
        ("search", "{requests: 40, screening: 8, finalists: 2, replications: 2, details: 1}")
      ]
      let one = try JSONText.text(encoding: TestPlan.run(TestPlan.desktop, set: overrides))
      let other = try JSONText.text(
        encoding: TestPlan.run(TestPlan.desktop, set: overrides, jobs: 3))
      #expect(one == other)
    }

    @Test("Finalists come with bill, headroom, sensitivities and what would prove them wrong")
    func details() throws {
      let outcome = try TestPlan.run(
        TestPlan.fleet,
        set: [("candidates.hardware", "[a100-sxm-server]"), ("candidates.replicas", "[1, 2]")])
      let best = try #require(outcome.finalists.first)
      #expect(best.isFeasible)
      #expect(best.bill.items.contains { $0.name.contains("A100") && $0.count == 8 })
      #expect(best.bill.purchaseUsd == best.bill.items.reduce(0) { $0 + ($1.usd ?? 0) })
      #expect(best.headroom.prefix(2).map(\.load) == [1.5, 2])
      #expect(best.breaksFirst != nil)
      #expect(
        best.sensitivities.map(\.rate) == [
          "GPU arithmetic", "GPU memory bandwidth", "GPU–GPU link", "software overhead",
        ])
      // Faster memory never makes tokens slower, and no rate has more than its whole effect.
      let memory = try #require(best.sensitivities.first { $0.rate == "GPU memory bandwidth" })
      let slope = try #require(memory.p99Tpot)
      #expect(slope < 0 && slope > -1.5)
      let settings = try #require(best.settings)
      #expect(settings.runtime == "vLLM")
      #expect(settings.command.contains("--max-num-seqs 64 --max-num-batched-tokens 2048"))
      #expect(settings.measurement?.contains("--request-rate 400.0") == true)
      #expect(settings.falsifiedBy.contains { $0.hasPrefix("tpot_p99 outside") })
      // Details are extra; the search's own work does not count them.
      #expect(outcome.work.detailRuns >= 2 + 2 * 4)
    }

    @Test("More load never helps latency")
    func headroomIsMonotone() throws {
      let outcome = try TestPlan.run(
        TestPlan.fleet, set: [("candidates.hardware", "[h100-sxm-server]")])
      let best = try #require(outcome.finalists.first { !$0.headroom.isEmpty })
      let tpot = best.headroom.compactMap(\.p99TpotMs)
      #expect(tpot.count >= 2)
      #expect(tpot[1] >= tpot[0] * 0.98)
      let nominal = try #require(best.p99TpotMs)
      #expect(tpot[0] >= nominal.mean * 0.98)
    }

    @Test("Nothing fits: the budget binds, and the nearest plan that does is named")
    func budgetBinds() throws {
      let outcome = try TestPlan.run(
        TestPlan.desktop,
        set: [
          ("limits.budget", "100 USD"), ("candidates.policy", "[lru]"),
          ("candidates.precision", "[{experts: int4}]"), ("candidates.cache", "[75%]"),
        ])
      #expect(outcome.best == nil)
      let nothing = try #require(outcome.nothingFits)
      #expect(nothing.bindingLimit == "limits.budget")
      let near = try #require(nothing.nearestThatDoes)
      // Nobody within the objectives is cheaper.
      let free = try TestPlan.run(
        TestPlan.desktop,
        set: [
          ("candidates.policy", "[lru]"), ("candidates.precision", "[{experts: int4}]"),
          ("candidates.cache", "[75%]"), ("search.details", "0"),
        ], exhaustive: true)
      let cheapest = free.finalists.filter(\.isFeasible).compactMap(\.bill.purchaseUsd).min()
      #expect(near.bill.purchaseUsd == cheapest)
      #expect(near.lacks.first?.contains("100.0 USD") == true)
    }

    @Test("Nothing fits: a latency binds, and the nearest plan within the limits is named")
    func latencyBinds() throws {
      let outcome = try TestPlan.run(
        TestPlan.desktop,
        set: [
          ("slo", "{tpot_p99: 1 ms}"), ("candidates.policy", "[lru]"),
          ("candidates.precision", "[{experts: int4}]"), ("candidates.cache", "[75%]"),
        ])
      #expect(outcome.best == nil)
      let nothing = try #require(outcome.nothingFits)
      #expect(["slo.tpot_p99", "bound of tpot_p99"].contains(nothing.bindingLimit))
      #expect(outcome.verdict.hasPrefix("Nothing fits."))
    }

    @Test("Nothing fits: a memory binds")
    func memoryBinds() throws {
      let outcome = try TestPlan.run(
        TestPlan.fleet,
        set: [
          ("models", "[deepseek-v3]"), ("candidates.hardware", "[rtx-4090x4-server]"),
          ("base.routing", "{}"),
        ])
      #expect(outcome.best == nil)
      #expect(outcome.nothingFits?.bindingLimit == "memory")
      #expect(outcome.work.runs == 0)
    }

    @Test("Limits exclude by the bill", arguments: ["power", "rack_units", "vendors"])
    func limits(key: String) throws {
      let value = ["power": "1 kW", "rack_units": "7", "vendors": "[AMD]"][key] ?? ""
      let outcome = try TestPlan.run(
        TestPlan.fleet,
        set: [
          ("limits.\(key)", value), ("candidates.replicas", "[1]"),
          (
            "candidates.hardware",
            "[{machine: h100-sxm-server, vendor: NVIDIA, rack_units: 8}]"
          ),
        ])
      #expect(outcome.best == nil)
      #expect(outcome.excluded.contains { $0.reason == "limits.\(key)" })
    }
  }
#endif
