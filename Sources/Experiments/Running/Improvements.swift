// SPDX-License-Identifier: GPL-3.0-or-later

import Serving

/// What would help a run: the same run again, each time with one resource twice as fast.
public enum Improvements {
  /// The factor by which each resource is made faster.
  public static let factor = 2.0

  /// Runs a configuration once for each resource that took part, and ranks what it gains.
  ///
  /// - Parameters:
  ///   - configuration: What was run.
  ///   - base: Its result; resources that it did not use are not tried.
  /// - Returns: The improvements, the one that shortens the time per output token most first.
  /// - Throws: What the runs throw.
  public static func evaluate(
    _ configuration: ServingConfiguration, base: SimulationResult
  ) throws -> [SimulationResult.Improvement] {
    var improvements: [SimulationResult.Improvement] = []
    for thing in SpeedUp.allCases where takesPart(thing, in: base) {
      let faster = try ServingSimulation.run(configuration.sped(up: thing, by: factor)).result
      let before = base.tpotMs?.mean
      let after = faster.tpotMs?.mean
      var reduction: Double?
      if let before, let after, before > 0 { reduction = 1 - after / before }
      improvements.append(
        .init(
          resource: thing.title, factor: factor,
          outputTokensPerSecond: faster.throughput.outputTokensPerSecond, meanTpotMs: after,
          tpotReduction: reduction))
    }
    return improvements.sorted {
      ($0.tpotReduction ?? 0, $1.resource) > ($1.tpotReduction ?? 0, $0.resource)
    }
  }

  private static func takesPart(_ thing: SpeedUp, in result: SimulationResult) -> Bool {
    switch thing {
    case .compute, .deviceMemory, .software: true
    case .link: result.utilization["gpu0.link.down"] != nil
    case .peers: result.utilization["gpu0.peer.out"] != nil
    case .hostMemory:
      result.utilization["host.dram"] ?? result.utilization["neardata.memory"] != nil
    case .drive: result.utilization["ssd0"] != nil
    }
  }
}
