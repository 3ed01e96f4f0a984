// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Workload

/// The traffic with which a server's own benchmark client comes nearest to a plan's, and which is simulated
/// as it is, so that what the client prints can be held against what was predicted of it.
///
/// The client of vLLM's `bench serve` sends random prompts of one length, waits for one length of answers,
/// and cannot think between them.
struct ClientTraffic: Sendable {
  /// When requests are sent.
  enum Pace: Sendable, Equatable {
    /// So many a second at random; `burstiness` is the shape of gamma-distributed gaps, 1 of Poisson's.
    case rate(Double, burstiness: Double)
    /// Each of so many users sends the next when it has its answer.
    case users(Int)
    /// All at once.
    case atOnce
  }

  /// Tokens of each prompt and of each answer.
  let tokens: (prompt: Int, output: Int)
  /// When requests are sent.
  let pace: Pace
  /// The requests of a measurement.
  let requests: Int

  /// The client's traffic for a plan's; `nil` where there is none.
  ///
  /// - Parameters:
  ///   - workload: The plan's traffic.
  ///   - plan: How many requests it is judged by.
  ///   - outputTokensPerSecond: What the plan is predicted to serve: where users think between requests, so
  ///     many are sent a second as are answered.
  init?(_ workload: WorkloadDescription, plan: PlanFile, outputTokensPerSecond: Double?) {
    requests = plan.search.requests
    guard
      let traffic = try? PlanTraffic(workload, requests: requests, seed: plan.search.seed)
    else { return nil }
    let output = traffic.mean { _, output in output }
    tokens = (
      max(1, Int(traffic.mean { prompt, _ in prompt }.rounded())), max(1, Int(output.rounded()))
    )
    switch workload.arrivals {
    case .closedLoop(let users, let think)?:
      if users == 1 || think == .constant(0) || think == .exponential(mean: 0) {
        pace = .users(users)
      } else {
        guard let served = outputTokensPerSecond, served > 0, output > 0 else { return nil }
        pace = .rate(Self.rounded(served / output), burstiness: 1)
      }
    case .gamma(let rate, let burstiness)?:
      pace = .rate(Self.rounded(rate * workload.rateScale), burstiness: burstiness)
    case .poisson(let rate)?, .constant(let rate)?:
      pace = .rate(Self.rounded(rate * workload.rateScale), burstiness: 1)
    case .allAtOnce?: pace = .atOnce
    case nil:
      guard let offered = traffic.offered else { return nil }
      pace = .rate(Self.rounded(offered), burstiness: 1)
    }
  }

  /// Four digits: what is written is what is simulated.
  private static func rounded(_ rate: Double) -> Double {
    Double(String(format: "%.4g", rate)) ?? rate
  }

  /// The client's command for a server of a model.
  func command(repository: String) -> String {
    let how =
      switch pace {
      case .rate(let rate, 1): "--request-rate \(rate)"
      case .rate(let rate, let burstiness): "--request-rate \(rate) --burstiness \(burstiness)"
      case .users(let users): "--max-concurrency \(users)"
      case .atOnce: "--request-rate inf"
      }
    return "vllm bench serve --model \(repository) --base-url http://HOST:PORT"
      + " --dataset-name random --random-input-len \(tokens.prompt)"
      + " --random-output-len \(tokens.output) --ignore-eos --num-prompts \(requests) \(how)"
  }

  /// The traffic as a workload.
  var workload: WorkloadDescription {
    let arrivals: ArrivalProcess =
      switch pace {
      case .rate(let rate, 1): .poisson(rate: rate)
      case .rate(let rate, let burstiness): .gamma(rate: rate, burstiness: burstiness)
      case .users(let users): .closedLoop(users: users, think: .constant(0))
      case .atOnce: .allAtOnce
      }
    var workload = WorkloadDescription(
      arrivals: arrivals,
      lengths: RequestLengths(
        prompt: LengthDistribution(.constant(Double(tokens.prompt))),
        output: LengthDistribution(.constant(Double(tokens.output)))))
    workload.requests = requests
    return workload
  }
}
