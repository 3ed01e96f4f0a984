// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import KernelTiming
import ModelDescriptors
import RandomStreams
import Serving

/// Nothing is known of the errors of the kernel timings that a run uses.
public struct UnknownTimingErrors: Error, CustomStringConvertible {
  /// The machine.
  public var machine: String

  /// The message.
  public var description: String {
    "nothing is known of how wrong the kernel timings of \(machine) are: none of the laws that this"
      + " scenario's kernels use was fitted to measurements. Give the profile fitted laws under"
      + " 'timing', each with its 'residuals' (moesim calibrate), or leave --uncertainty out"
  }
}

/// How the errors of fitted kernel timings pass on to the figures of a run.
///
/// Each replication multiplies the times of each fitted law by one factor exp(σ z), z normal, where
/// σ = m / 0.6745 with m the median absolute error on shapes that the fit had not seen: the median of
/// |z| is 0.6745. One factor a law, since layers of one shape recur, and so does the error of their
/// prediction; errors of laws are independent, which is an assumption. Requests and routing stay those
/// of the run, so that the interval is that of the timing alone.
struct TimingUncertainty {
  /// The median of |z| of a standard normal z.
  static let medianOfNormal = 0.6745
  /// The number of the host's first law among all.
  private static let hostLaws: UInt64 = 1 << 32

  private let configuration: ServingConfiguration
  private let replications: Int
  private let used: [TimingLaws.Place]

  /// Prepares the runs of a configuration.
  ///
  /// - Throws: `UnknownTimingErrors` when none of the laws that count was fitted.
  init(_ configuration: ServingConfiguration, replications: Int) throws {
    precondition(replications >= 2, "An interval needs two runs.")
    self.configuration = configuration
    self.replications = replications
    used = Self.laws(of: configuration)
    guard
      used.contains(where: { $0.residuals != nil })
        || configuration.hostTiming?.laws.fitted.isEmpty == false
    else { throw UnknownTimingErrors(machine: configuration.setting.hardware) }
  }

  /// Runs the replications and sets the intervals of a result, which is that of the fitted laws.
  ///
  /// - Throws: What the runs throw.
  func evaluate(
    _ result: inout SimulationResult, progress: ((ServingSimulation.Progress) throws -> Void)?
  ) throws {
    var results: [SimulationResult] = []
    for index in 1...replications {
      let run = try ServingSimulation.run(perturbed(replication: UInt32(index)), progress: progress)
      results.append(run.result)
    }
    result.uncertainty = report(nominal: result, results)
    result.notices += notices(results)
  }

  /// The configuration with the errors of one replication.
  func perturbed(replication: UInt32) -> ServingConfiguration {
    func slowed(_ timing: DeviceTiming, from first: UInt64) -> DeviceTiming {
      timing.with(
        timing.laws.slowed { place in
          var stream = RandomStream(
            seed: configuration.run.seed, replication: replication, purpose: .residuals,
            entity: first + UInt64(place.index))
          return exp(stream.normal(standardDeviation: Self.deviation(of: place)))
        })
    }
    var configuration = configuration
    configuration.timing = slowed(configuration.timing, from: 0)
    configuration.hostTiming = configuration.hostTiming.map { slowed($0, from: Self.hostLaws) }
    return configuration
  }

  private static func deviation(of place: TimingLaws.Place) -> Double {
    (place.residuals?.median ?? 0) / medianOfNormal
  }

  /// The laws by which the kernels of a model are timed on the device, ascending by index.
  private static func laws(of configuration: ServingConfiguration) -> [TimingLaws.Place] {
    let costs = configuration.model.costs(under: configuration.precision)
    var works: [KernelWork] = []
    for tokens in [1, 2] {
      works += [costs.headWork(tokens: tokens), costs.embeddingWork(tokens: tokens)]
      for layer in costs.layers + costs.encoder {
        var load = AttentionLoad()
        load.addDecode(visible: 8, span: costs.spans[0])
        load.addPrefill(position: 0, count: tokens, span: costs.spans[0])
        for attention in [layer.attentionWork(load), layer.crossAttentionWork(load)] {
          works += [attention.input, attention.prefill, attention.decode, attention.output]
        }
        works += [
          layer.crossKeyValueWork(sourceTokens: tokens), layer.gateWork(tokens: tokens),
          layer.expertWork(tokens: tokens),
          layer.groupedExpertWork(assignments: 2 * tokens, distinct: 2),
          layer.sharedExpertWork(tokens: tokens), layer.parallelDenseWork(tokens: tokens),
          layer.latentWork(tokens: tokens), layer.denseWork(tokens: tokens),
          layer.elementwiseWork(tokens: tokens), layer.combineWork(tokens: tokens),
        ]
      }
    }
    var places: [TimingLaws.Place] = []
    for work in works {
      guard let place = configuration.timing.place(of: work), !places.contains(place) else {
        continue
      }
      places.append(place)
    }
    return places.sorted { $0.index < $1.index }
  }

  private func report(
    nominal: SimulationResult, _ results: [SimulationResult]
  ) -> SimulationResult.UncertaintyReport {
    func law(_ place: TimingLaws.Place, of device: String) -> SimulationResult.UncertaintyReport.Law
    {
      .init(
        name: device + place.name, medianError: place.residuals?.median ?? 0,
        standardDeviation: Self.deviation(of: place))
    }
    let host = configuration.hostTiming?.laws.fitted ?? []
    let unstable = results.filter { !$0.steadyState.stable }.count
    return .init(
      replications: replications, unstable: unstable,
      laws: used.filter { $0.residuals != nil }.map { law($0, of: "") }
        + host.map { law($0, of: "host ") },
      notFitted: used.filter { $0.residuals == nil }.map(\.name).joined(separator: ", "),
      figures: Self.figures(
        nominal, results, waits: nominal.steadyState.stable && unstable == 0))
  }

  private func notices(_ results: [SimulationResult]) -> [String] {
    var notices: [String] = []
    let missing = used.filter { $0.residuals == nil }.map(\.name)
    if !missing.isEmpty {
      notices.append(
        "the intervals cover the errors of fitted kernel timings only; not fitted, and taken as exact:"
          + " \(missing.joined(separator: ", "))")
    }
    let unstable = results.filter { !$0.steadyState.stable }.count
    if unstable > 0 {
      notices.append(
        "\(unstable) of \(replications) runs with drawn errors had no steady state, so that TTFT and"
          + " E2EL have no interval")
    }
    return notices
  }

  /// The figures that have a value in every run.
  ///
  /// - Parameter waits: whether figures that hold waiting times mean anything.
  private static func figures(
    _ nominal: SimulationResult, _ results: [SimulationResult], waits: Bool
  ) -> [SimulationResult.UncertaintyReport.Figure] {
    typealias Distribution = SimulationResult.Distribution
    var keys: [(name: String, value: (SimulationResult) -> Double?)] = [
      (
        "throughput.output_tokens_per_second", { $0.throughput.outputTokensPerSecond }
      ),
      ("throughput.total_tokens_per_second", { $0.throughput.totalTokensPerSecond }),
      ("throughput.requests_per_second", { $0.throughput.requestsPerSecond }),
    ]
    let latencies: [(String, (SimulationResult) -> Distribution?, waits: Bool)] = [
      ("ttft_ms", { $0.ttftMs }, true), ("tpot_ms", { $0.tpotMs }, false),
      ("itl_ms", { $0.itlMs }, false), ("e2el_ms", { $0.e2elMs }, true),
    ]
    for (name, latency, holdsWaits) in latencies where waits || !holdsWaits {
      keys += [
        (name + ".mean", { latency($0)?.mean }), (name + ".p50", { latency($0)?.p50 }),
        (name + ".p99", { latency($0)?.p99 }),
      ]
    }
    return keys.compactMap { key in
      let values = results.compactMap(key.value)
      guard let value = key.value(nominal), values.count == results.count else { return nil }
      return figure(key.name, nominal: value, values)
    }
  }

  /// A figure over its values, at least two; percentiles by straight lines between them.
  static func figure(
    _ name: String, nominal: Double, _ values: [Double]
  ) -> SimulationResult.UncertaintyReport.Figure {
    let sorted = values.sorted()
    func percentile(_ share: Double) -> Double {
      let place = share * Double(sorted.count - 1)
      let below = Int(place)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return .init(
      name: name, nominal: nominal, low: percentile(0.05), high: percentile(0.95),
      standardDeviation: (squares / Double(values.count - 1)).squareRoot())
  }
}
