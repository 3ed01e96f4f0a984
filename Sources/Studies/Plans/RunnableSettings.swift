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
  /// - Parameter finalist: The candidate's figures.
  init?(_ prepared: PreparedCandidate, plan: PlanFile, finalist: PlanOutcome.Finalist) {
    guard let server = ServerSettings(prepared) else { return nil }
    runtime = server.runtime
    command = server.words.joined(separator: " ")
    servers = server.servers
    notes = server.notes
    measurement = Self.client(prepared, plan: plan, repository: server.repository)
    falsifiedBy = Self.tests(prepared, plan: plan, finalist: finalist)
  }

  /// The command of a client that sends as many requests of these lengths at this rate.
  private static func client(
    _ prepared: PreparedCandidate, plan: PlanFile, repository: String
  ) -> String? {
    let workload = prepared.scenario.workload
    var words = ["vllm bench serve --model \(repository) --base-url http://HOST:PORT"]
    guard
      let traffic = try? PlanTraffic(
        workload, requests: plan.search.requests, seed: plan.search.seed)
    else { return nil }
    let prompt = traffic.mean { prompt, _ in prompt }
    let output = traffic.mean { _, output in output }
    words.append(
      "--dataset-name random --random-input-len \(Int(prompt.rounded()))"
        + " --random-output-len \(Int(output.rounded())) --ignore-eos")
    words.append("--num-prompts \(plan.search.requests)")
    switch workload.arrivals {
    case .closedLoop(let users, _)?: words.append("--max-concurrency \(users)")
    case .gamma(let rate, let burstiness)?:
      words.append("--request-rate \(short(rate * workload.rateScale)) --burstiness \(burstiness)")
    case .poisson(let rate)?, .constant(let rate)?:
      words.append("--request-rate \(short(rate * workload.rateScale))")
    case .allAtOnce?: words.append("--request-rate inf")
    case nil:
      guard let offered = traffic.offered else { return nil }
      words.append("--request-rate \(short(offered))")
    }
    return words.joined(separator: " ")
  }

  /// How wrong kernel times are taken to be where nobody measured them: an assumption.
  private static let unmeasured = 0.25

  /// The ranges outside of which a measurement proves the prediction wrong: a new run's value by
  /// Student's t, wider by the error of kernel times.
  private static func tests(
    _ prepared: PreparedCandidate, plan: PlanFile, finalist: PlanOutcome.Finalist
  ) -> [String] {
    let laws =
      switch prepared.configuration {
      case .replica(let one): one.timing.laws
      case .fleet(let fleet): fleet.groups[0].timing.laws
      }
    let error = laws.residuals?.p90 ?? unmeasured
    let basis =
      laws.residuals == nil
      ? "kernel times of data sheets, taken to be within \(Int(unmeasured * 100)) %"
      : "kernel times within \(short(error * 100)) %, the 90th percentile of the fit's errors"
    let count = Double(plan.search.replications)
    func range(_ estimate: PlanEstimate) -> (Double, Double) {
      // The interval is of the mean; one new run scatters by √(n + 1) times as much.
      let margin = (estimate.high - estimate.mean) * (count + 1).squareRoot()
      return (
        max(0, estimate.mean - margin) * (1 - error), (estimate.mean + margin) * (1 + error)
      )
    }
    var tests: [String] = []
    for objective in finalist.objectives {
      guard let found = objective.found else { continue }
      let (low, high) = range(found)
      tests.append(
        "\(objective.key) outside \(short(low)) to \(short(high)) ms"
          + " (predicted \(short(found.mean)); \(basis))")
    }
    if let tokens = finalist.outputTokensPerSecond {
      let (low, high) = range(tokens)
      tests.append(
        "output tokens/s outside \(short(low)) to \(short(high)) (predicted \(short(tokens.mean)))")
    }
    return tests
  }

  private static func short(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}
