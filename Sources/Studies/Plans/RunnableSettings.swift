// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import ModelDescriptors
import Serving

/// How a plan is run where its runtime's settings are known, and which measurement would prove it wrong.
public struct RunnableSettings: Codable, Sendable, Hashable {
  /// The runtime, "vLLM".
  public var runtime: String
  /// The command that starts one server, in the words of a shell.
  public var command: String
  /// How many such servers there are, behind a router where there is more than one.
  public var servers: Int
  /// What of the plan the runtime has no setting for.
  public var notes: [String]
  /// The command that sends the plan's traffic; `nil` where no tool sends it.
  public var measurement: String?
  /// Which results would prove the prediction wrong.
  public var falsifiedBy: [String]

  /// The settings of a candidate; `nil` where its runtime's are not known, or it asks for what the
  /// runtime does not do.
  ///
  /// - Parameter client: The traffic of a measurement; `nil` where no tool sends it.
  init?(_ prepared: PreparedCandidate, client: ClientTraffic?) {
    guard let server = ServerSettings(prepared) else { return nil }
    runtime = server.runtime
    command = server.words.joined(separator: " ")
    servers = server.servers
    notes = server.notes
    measurement = client?.command(repository: server.repository)
    falsifiedBy = []
  }

  /// How wrong kernel times are taken to be where nobody measured them: an assumption.
  private static let unmeasured = 0.25

  /// Says which results of the measurement would prove the prediction wrong: those outside of what a new run
  /// gives by Student's t, wider by the error of kernel times.
  ///
  /// - Parameters:
  ///   - predicted: Replications of the measurement's own traffic.
  ///   - prepared: The candidate.
  ///   - plan: What is asked of it.
  mutating func setTests(
    predicted: [PlanFigures], _ prepared: PreparedCandidate, plan: PlanFile
  ) {
    let laws =
      switch prepared.configuration {
      case .replica(let one): one.timing.laws
      case .fleet(let fleet): fleet.groups[0].timing.laws
      }
    let error = laws.residuals?.p90 ?? Self.unmeasured
    let basis =
      laws.residuals == nil
      ? "kernel times of data sheets, taken to be within \(Int(Self.unmeasured * 100)) %"
      : "kernel times within \(Self.short(error * 100)) %, the 90th percentile of the fit's errors"
    let count = Double(predicted.count)
    func test(
      _ name: String, _ unit: String, _ basis: String, _ figure: (PlanFigures) -> Double?
    ) -> String? {
      let values = predicted.map(figure)
      guard let found = PlanEstimate(whole: values, confidence: plan.search.confidence) else {
        return nil
      }
      // The interval is of the mean; one new run scatters by √(n + 1) times as much.
      let margin = (found.high - found.mean) * (count + 1).squareRoot()
      let low = max(0, found.mean - margin) * (1 - error)
      let high = (found.mean + margin) * (1 + error)
      return "\(name) outside \(Self.short(low)) to \(Self.short(high))\(unit)"
        + " (predicted \(Self.short(found.mean))\(basis))"
    }
    falsifiedBy = plan.objectives.indices.compactMap { index in
      test(plan.objectives[index].key, " ms", "; \(basis)") { $0.objectives[index] }
    }
    if let tokens = test("output tokens/s", "", "", { $0.outputTokensPerSecond }) {
      falsifiedBy.append(tokens)
    }
  }

  private static func short(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}
