// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Foundation
import Serving

/// Runs scenarios and prints what the engine does per second of processor time.
///
///     EngineBenchmarks [--rounds N] SCENARIO…
///     EngineBenchmarks [--rounds N] --policies lru,promoe,… SCENARIO
///
/// The second form runs one scenario under each policy and prints what a decision about one expert
/// costs, as a multiple of the first policy's: what a slow policy costs shows.
///
/// Each scenario is run several times in one process; the median round counts. Peak memory is that
/// of the process after the scenario, so name the smallest first.
@main
enum EngineBenchmarks {
  static func main() throws {
    var arguments = Array(CommandLine.arguments.dropFirst())
    var rounds = 5
    if let place = arguments.firstIndex(of: "--rounds"), place + 1 < arguments.count {
      rounds = Int(arguments[place + 1]) ?? rounds
      arguments.removeSubrange(place...place + 1)
    }
    if let place = arguments.firstIndex(of: "--policies"), place + 1 < arguments.count {
      let policies = arguments[place + 1].split(separator: ",").map(String.init)
      arguments.removeSubrange(place...place + 1)
      for path in arguments { try comparePolicies(policies, scenario: path, rounds: rounds) }
      return
    }
    print(
      column("scenario", 24) + column("M layer events/s", 18) + column("k steps/s", 12)
        + column("M events/s", 12) + column("CPU s", 10) + column("peak MiB", 10))
    for path in arguments {
      let scenario = try Scenario.load(path)
      let median = try measure(scenario, rounds: rounds)
      let rate = { (count: UInt64, unit: Double) in
        text(Double(count) / median.seconds / unit)
      }
      print(
        column(scenario.name, 24) + column(rate(median.result.layerEvents, 1e6), 18)
          + column(rate(median.result.steps, 1e3), 12)
          + column(rate(median.result.eventsProcessed, 1e6), 12)
          + column(text(median.seconds), 10) + column(text(peakMebibytes()), 10))
    }
  }

  /// The run of median time.
  private static func measure(
    _ scenario: Scenario, rounds: Int
  ) throws -> (seconds: Double, result: SimulationResult) {
    var samples: [(seconds: Double, result: SimulationResult)] = []
    for _ in 0..<rounds {
      let configuration = try scenario.configuration()
      let start = cpuSeconds()
      let result = try ServingSimulation.run(configuration).result
      samples.append((cpuSeconds() - start, result))
    }
    samples.sort { $0.seconds < $1.seconds }
    return samples[samples.count / 2]
  }

  /// What a decision about one expert costs under each policy.
  private static func comparePolicies(
    _ policies: [String], scenario path: String, rounds: Int
  ) throws {
    print(
      column("policy", 24) + column("CPU s", 10) + column("ns per decision", 18)
        + column("of \(policies[0])", 12))
    var first: Double?
    for policy in policies {
      let scenario = try Scenario.load(path, overrides: ["policy=\(policy)"])
      let median = try measure(scenario, rounds: rounds)
      let cache = median.result.expertCache
      let decisions = cache.hits + cache.late + cache.misses
      let cost = median.seconds / Double(max(1, decisions)) * 1e9
      print(
        column(policy, 24) + column(text(median.seconds), 10) + column(text(cost), 18)
          + column(text(cost / (first ?? cost)), 12))
      first = first ?? cost
    }
  }

  private static func column(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  private static func text(_ value: Double) -> String { String(format: "%.3g", value) }

  /// The processor time that this process has used [s].
  private static func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  private static func peakMebibytes() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_maxrss) / 1024
  }
}
