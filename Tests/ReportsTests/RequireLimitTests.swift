// SPDX-License-Identifier: GPL-3.0-or-later

@testable import Records
import Testing

@testable import Reports
@testable import Serving

@Suite("Limits")
struct RequireLimitTests {
  @Test(
    "are kept or missed",
    arguments: [
      ("tpot_ms.p99<=100", true), ("tpot_ms.p99<=76.8", true), ("tpot_ms.p99<76.8", false),
      ("tpot_ms.p99 > 100", false), ("tpot_ms.p99>=76.8", true), ("tpot_ms.p99==76.8", true),
      ("expert_cache.hit_rate>=60%", true), ("expert_cache.hit_rate>60%", false),
      ("utilization.gpu0.h2d<0.9", true), ("resources.gpu0.h2d.mean_wait_ms<=1", false),
      ("traffic.gpu0.h2d.demand.bytes>=1e9", true), ("steady_state.stable==true", true),
      ("expert_cache.tiers.hbm.layers.1.hits==290", true), ("requests.rejected==0", false),
      ("memory.gpu0.hbm.parts.experts<=8589934592", true), ("time_ms_per_token.head<0.002", true),
      ("seed==1", true), ("what_would_help.PCIe host→device.tpot_reduction>0.3", true),
    ])
  func outcomes(text: String, met: Bool) throws {
    let outcome = try RequireLimit(parsing: text).evaluate(SimulationResult.sample())
    #expect((outcome.miss == nil) == met, "\(outcome)")
  }

  @Test("say what was found and wanted")
  func message() throws {
    let limit = try RequireLimit(parsing: "tpot_ms.p99 <= 50")
    let outcome = try limit.evaluate(SimulationResult.sample())
    #expect(
      outcome.miss == "tpot_ms.p99<=50 was missed: found tpot_ms.p99 = 76.8, wanted <= 50")
    #expect(RequireLimit.exitCode == 2)
  }

  @Test("are missed when the figure isn't reported, with the reason")
  func unstable() throws {
    let outcome = try RequireLimit(parsing: "ttft_ms.p99<=1000000")
      .evaluate(SimulationResult.sample(stable: false))
    let miss = try #require(outcome.miss)
    #expect(miss.contains("found no ttft_ms, because the run has no steady state"))
    var result = SimulationResult.sample()
    result.throughput.goodputRequestsPerSecond = nil
    let goodput = try RequireLimit(parsing: "throughput.goodput_requests_per_second>1")
      .evaluate(result)
    #expect(goodput.miss?.contains("the scenario has no slo") == true)
  }

  @Test(
    "name the closest key",
    arguments: [
      ("tpot_ms.p9<=100", "tpot_ms.p9"), ("tpot.p99<=100", "tpot_ms.p99"),
      ("expert_cache.hitrate>0.5", "expert_cache.hit_rate"),
      ("troughput.output_tokens_per_second>1", "throughput.output_tokens_per_second"),
    ])
  func closestKey(text: String, key: String) throws {
    let error = #expect(throws: RequireLimitError.self) { try RequireLimit(parsing: text) }
    #expect(error?.description.contains("did you mean \(key)") == true, "\(error!)")
  }

  @Test("name the closest resource, which only the run knows")
  func closestResource() throws {
    let limit = try RequireLimit(parsing: "utilization.gpu0.h2b<=1")
    let error = #expect(throws: RequireLimitError.self) {
      try limit.evaluate(SimulationResult.sample())
    }
    #expect(error?.description.contains("did you mean utilization.gpu0.h2d?") == true)
    let text = try RequireLimit(parsing: "scenario==1")
    #expect(throws: RequireLimitError.self) { try text.evaluate(SimulationResult.sample()) }
  }

  @Test(
    "that are none are refused",
    arguments: [
      "", "tpot_ms.p99", "<=3", "tpot_ms.p99<=", "tpot_ms.p99<=fast", "tpot_ms.p99!=3",
      "tpot_ms.p99<=nan", "tpot_ms.p99<=inf", "tpot_ms.p99=3", "tpot_ms.p99=<3",
      "tpot_ms.p99<=3<=4", "nonsense<=1", "expert_cache<=1", "tpot_ms<=1",
    ])
  func refused(text: String) {
    #expect(throws: RequireLimitError.self) { try RequireLimit(parsing: text) }
  }

  @Test("cover every key that a report has")
  func schemaCoversReports() {
    for leaf in ResultDocument(.sample()).value.flattened() {
      // A section that a run has nothing to say in is null as a whole.
      let isEmptySection =
        leaf.value == .null && ReportSchema.patterns.contains { $0.hasPrefix(leaf.key + ".") }
      #expect(ReportSchema.mayContain(leaf.key) || isEmptySection, "\(leaf.key)")
    }
    for leaf in ResultDocument(.sample(stable: false)).value.flattened() where leaf.value != .null {
      #expect(ReportSchema.mayContain(leaf.key), "\(leaf.key)")
    }
    #expect(!ReportSchema.mayContain("utilization."))
    #expect(!ReportSchema.mayContain("resources.gpu0.h2d.speed"))
  }
}
