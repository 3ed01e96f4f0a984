// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing

@testable import Experiments
@testable import Serving

@Suite("Cost and accuracy in a scenario")
struct CostScenarioTests {
  private func scenario(_ set: [String]) throws -> Scenario {
    try Scenario.load(
      Checkout.root.appending(path: "scenarios/quickstart.yaml").path,
      overrides: ["workload.requests=2", "run.improvements=false"] + set)
  }

  @Test("reach the engine")
  func cost() throws {
    let basis = try scenario([
      "cost.load=25%", "cost.pue=1.4", "cost.basis=rent", "cost.lifetime=1461 d",
      "cost.energy_price=0.3 USD/kWh",
    ]).configuration().cost
    #expect(
      basis.load == 0.25 && basis.powerUsageEffectiveness == 1.4 && basis.way == .rent
        && abs(basis.amortisationYears - 4) < 1e-12
        && abs(basis.energyUSDPerKilowattHour - 0.3) < 1e-12)
    let standard = try scenario([]).configuration().cost
    #expect(
      standard.load == 1 && standard.powerUsageEffectiveness == 1 && standard.way == .automatic
        && abs(standard.amortisationYears - 1095 / 365.25) < 1e-12)
  }

  @Test(
    "are refused out of range",
    arguments: ["cost.load=0", "cost.load=2", "cost.pue=0.5", "cost.basis=borrow"])
  func range(setting: String) {
    #expect(throws: Diagnostics.self) { _ = try scenario([setting]) }
  }

  @Test("scores of the scenario stand before those of the model's side file")
  func scores() throws {
    let own = "accuracy=[{score: 0.5, metric: mine, precision: int4, source: a notebook}]"
    let scores = try scenario([own]).configuration().scores
    #expect(scores.first?.metric == "mine" && scores.first?.source == "a notebook")
    #expect(scores.dropFirst().contains { $0.metric == "MMLU (%)" && $0.precision == "int4" })
    let outcome = try ScenarioExecution.execute(scenario([own]))
    #expect(outcome.results[0].accuracy?.score == 0.5)
    #expect(outcome.results[0].moeCap?.radar.accuracy == 0.5)
  }

  @Test("a score without its source is refused by place")
  func unsourced() {
    #expect {
      _ = try scenario(["accuracy=[{score: 0.5, metric: mine, precision: int4}]"])
    } throws: { error in
      "\(error)".contains("accuracy") && "\(error)".contains("source")
    }
  }
}
