// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Experiments
@testable import Serving

/// Intervals from the errors of fitted kernel timings.
@Suite("Uncertainty of kernel timings")
struct TimingUncertaintyTests {
  private typealias Report = SimulationResult.UncertaintyReport

  /// A machine whose products in 16 bits were fitted this well.
  private static func machine(_ median: String) -> String {
    let law = "{fp16: {residuals: {median: \(median), p90: 20%, points: 50}}}"
    return "hardware={base: rtx-4090-desktop, gpu: {timing: {source: made up, gemm: \(law),"
      + " gemv: \(law), grouped_gemm: \(law)}}}"
  }

  private static func result(
    _ overrides: [String], replications: Int? = 8, requests: Int = 6
  ) throws -> SimulationResult {
    let tiny = try TinyScenario(requests: requests)
    let scenario = try Scenario.load(
      tiny.path, overrides: ["cache.experts=all"] + overrides, library: tiny.library)
    let outcome = try ScenarioExecution.execute(
      scenario, library: tiny.library, uncertainty: replications)
    return try #require(outcome.results.first)
  }

  private static func figure(_ name: String, of result: SimulationResult) throws -> Report.Figure {
    try #require(result.uncertainty?.figures.first { $0.name == name })
  }

  @Test("an interval is the wider, the worse the fit")
  func widens() throws {
    let good = try Self.result([Self.machine("2%")])
    let bad = try Self.result([Self.machine("10%")])
    for name in [
      "throughput.output_tokens_per_second", "tpot_ms.mean", "itl_ms.p50", "e2el_ms.p99",
    ] {
      let (narrow, wide) = (try Self.figure(name, of: good), try Self.figure(name, of: bad))
      #expect(narrow.low < narrow.high && narrow.standardDeviation > 0)
      #expect(wide.high - wide.low > 3 * (narrow.high - narrow.low))
      #expect(narrow.nominal == wide.nominal && narrow.low < wide.nominal)
    }
  }

  @Test("errors of nothing give the nominal value, which is that of a plain run")
  func zero() throws {
    let plain = try Self.result([Self.machine("5%")], replications: nil)
    #expect(plain.uncertainty == nil && plain.schemaVersion == "1.6")
    let exact = try Self.result([Self.machine("0%")])
    let report = try #require(exact.uncertainty)
    #expect(report.replications == 8 && report.figures.count == 15)
    for figure in report.figures {
      #expect(figure.low == figure.nominal && figure.high == figure.nominal)
      #expect(figure.standardDeviation < 1e-9 * figure.nominal)
    }
    let rate = try Self.figure("throughput.output_tokens_per_second", of: exact)
    #expect(rate.nominal == plain.throughput.outputTokensPerSecond)
    #expect(try Self.figure("tpot_ms.p99", of: exact).nominal == plain.tpotMs?.p99)
  }

  @Test("the same seed gives the same intervals, another seed others")
  func deterministic() throws {
    let first = try Self.result([Self.machine("5%")])
    #expect(first.uncertainty == (try Self.result([Self.machine("5%")])).uncertainty)
    let other = try Self.result([Self.machine("5%"), "run.seed=8"])
    let ratio = { (result: SimulationResult) in
      let figure = try Self.figure("tpot_ms.mean", of: result)
      return figure.low / figure.nominal
    }
    #expect(abs(try ratio(first) - (try ratio(other))) > 1e-6)
  }

  @Test("the drawn factors have the median error of the fit")
  func draws() throws {
    let tiny = try TinyScenario()
    let configuration = try Scenario.load(
      tiny.path, overrides: [Self.machine("5%")], library: tiny.library
    ).configuration(library: tiny.library)
    let study = try TimingUncertainty(configuration, replications: 2)
    var below = 0
    for index in 1...2_000 {
      let laws = study.perturbed(replication: UInt32(index)).timing.laws
      let factor = laws[.gemm, .fp16, .plain].factor
      #expect(factor != laws[.gemv, .fp16, .plain].factor)
      if abs(log(factor)) < 0.05 { below += 1 }
    }
    // Half of them, within four standard errors.
    #expect(abs(below - 1_000) < 90)
  }

  @Test("what was fitted and what was not is said")
  func coverage() throws {
    let result = try Self.result([Self.machine("5%")], replications: 2)
    let report = try #require(result.uncertainty)
    #expect(report.laws.map(\.name) == ["gemm fp16", "grouped_gemm fp16", "gemv fp16"])
    #expect(report.laws.allSatisfy { abs($0.standardDeviation - 0.05 / 0.6745) < 1e-12 })
    #expect(report.notFitted.contains("attention_decode fp16"))
    #expect(result.notices.contains { $0.contains("taken as exact: attention_prefill fp16") })
  }

  @Test("a machine without fitted laws is refused, and so is one whose laws are for other kernels")
  func refused() throws {
    let other =
      "hardware={base: rtx-4090-desktop, gpu: {timing: {source: made up,"
      + " gemm: {fp8: {residuals: {median: 5%, p90: 9%, points: 5}}}}}}"
    for overrides in [[], [other]] {
      let error = #expect(throws: UnknownTimingErrors.self) { _ = try Self.result(overrides) }
      #expect("\(error.map { "\($0)" } ?? "")".contains("calibrate"))
    }
  }

  @Test("percentiles are straight lines between order statistics")
  func percentiles() {
    let figure = TimingUncertainty.figure("x", nominal: 5, (0...20).reversed().map(Double.init))
    #expect(figure.low == 1 && figure.high == 19 && figure.nominal == 5)
    #expect(abs(figure.standardDeviation - 38.5.squareRoot()) < 1e-12)
  }
}
