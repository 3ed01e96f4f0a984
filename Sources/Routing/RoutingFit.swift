// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// Fits the generator of routing to a recorded trace.
///
/// The parameters of each layer are moved until sequences generated with them, as many and as
/// long as those recorded, show the statistics of the record: each parameter follows the
/// statistic that it governs. Popularity follows how often each expert is used; the request's
/// spread follows the overlap of distant tokens; recall follows the overlap at the lags of its
/// class; cohesion follows the hit rates of LRU, which fall at equal overlap when choices are
/// recalled together; chain follows how well a layer's choices foretell the next one's. The
/// random numbers are common to all iterations. Time grows with tokens × layers × topK × experts;
/// gpt-oss-20b (81,000 tokens, 24 layers) takes some 20 s in release.
public struct RoutingFit: Sendable {
  /// How many times the parameters are moved.
  public var iterations: Int
  /// Classes of lags.
  public var lagEnds: [Int]
  /// The seed of the generated sequences.
  public var seed: UInt64
  /// The share of experts whose preference by a request is one with their associates'.
  public var coherence: Double
  /// The concentration of gate weights where the trace has none.
  public var gateConcentration: Double

  /// A fit with the standard settings.
  public init(
    iterations: Int = 24, lagEnds: [Int] = RoutingParameters.standardLagEnds, seed: UInt64 = 1,
    coherence: Double = 0.9, gateConcentration: Double = 4
  ) {
    self.coherence = coherence
    self.iterations = iterations
    self.lagEnds = lagEnds
    self.seed = seed
    self.gateConcentration = gateConcentration
  }

  /// Fits parameters to every second sequence, and judges them on the others.
  ///
  /// - Parameters:
  ///   - corpus: recorded sequences, at least four.
  ///   - name: the name that the parameters get.
  ///   - source: where the trace comes from.
  /// - Throws: `InvalidRoutingParameters` when the trace has too few sequences, or cannot be
  ///   expressed.
  public func fit(
    _ corpus: RoutingCorpus, name: String, source: String,
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws(InvalidRoutingParameters) -> RoutingFitResult {
    if corpus.sequences < 4 {
      throw InvalidRoutingParameters(
        name: name,
        problems: ["the trace has \(corpus.sequences) sequences; at least 4 are expected"])
    }
    let training = corpus.half(parity: 0)
    let heldOut = corpus.half(parity: 1)
    var plan = RoutingStatistics.Plan()
    plan.lags = Array(Set(plan.lags + lagEnds.dropLast())).sorted()
    let target = RoutingStatistics(of: training, plan: plan)
    var parameters = initialParameters(target, training, name: name, source: source)
    for iteration in 0..<iterations {
      progress(iteration, iterations)
      let generator = try GeneratedRouting(parameters: parameters, seed: seed)
      let made = RoutingCorpus(generating: generator, lengths: training.lengths)
      let statistics = RoutingStatistics(of: made, plan: plan)
      let gain = max(0.25, 1 - Double(iteration) / Double(iterations))
      move(&parameters, from: statistics, to: target, gain: gain)
    }
    return try Self.evaluate(parameters, against: heldOut, seed: seed &+ 1)
  }

  /// Judges parameters by a recorded corpus, with other random numbers than those of the fit.
  public static func evaluate(
    _ parameters: RoutingParameters, against heldOut: RoutingCorpus, seed: UInt64 = 2
  ) throws(InvalidRoutingParameters) -> RoutingFitResult {
    let generator = try GeneratedRouting(parameters: parameters, seed: seed)
    let made = RoutingCorpus(generating: generator, lengths: heldOut.lengths)
    return RoutingFitResult(
      parameters: parameters, recorded: RoutingStatistics(of: heldOut),
      generated: RoutingStatistics(of: made))
  }

  private func initialParameters(
    _ target: RoutingStatistics, _ training: RoutingCorpus, name: String, source: String
  ) -> RoutingParameters {
    let layers = (0..<training.shape.layers).map { layer in
      RoutingParameters.Layer(
        popularity: target.inclusion[layer].map { -log(1 - min(0.98, max(1e-5, $0))) },
        requestSpread: 0.7, coherence: coherence,
        recall: [Double](repeating: 0.02, count: lagEnds.count),
        cohesion: 0.92, chain: layer == 0 ? 0 : 0.3,
        gateConcentration: training.gateConcentration(layer: layer) ?? gateConcentration)
    }
    return RoutingParameters(
      name: name, source: source, shape: training.shape, lagEnds: lagEnds, layers: layers)
  }

  /// Moves every layer's parameters by what is missing from the statistics that they govern.
  private func move(
    _ parameters: inout RoutingParameters, from now: RoutingStatistics,
    to target: RoutingStatistics,
    gain: Double
  ) {
    let distant = target.plan.lags.indices.filter { target.plan.lags[$0] >= 64 }
    for index in parameters.layers.indices {
      var layer = parameters.layers[index]
      for expert in layer.popularity.indices {
        let ratio =
          max(1e-5, target.inclusion[index][expert])
          / max(1e-5, now.inclusion[index][expert])
        layer.popularity[expert] *= pow(min(2, max(0.5, ratio)), gain)
      }
      let scale = Double(layer.popularity.count) / layer.popularity.reduce(0, +)
      for expert in layer.popularity.indices { layer.popularity[expert] *= scale }
      func missing(_ rows: [Int], _ read: (RoutingStatistics, Int) -> Double) -> Double {
        RoutingStatistics.mean(rows.map { read(target, $0) - read(now, $0) })
      }
      let base = RoutingStatistics.mean(distant.map { target.overlap[$0][index] })
      let spread = missing(distant) { $0.overlap[$1][index] } / max(0.02, base)
      layer.requestSpread = min(3, max(0.02, layer.requestSpread * exp(2 * gain * spread)))
      for (position, end) in lagEnds.enumerated() {
        let lag = position == lagEnds.count - 1 ? (lagEnds[position - 1] * 2) : end
        guard let row = target.plan.lags.firstIndex(of: lag) else { continue }
        let lack = target.overlap[row][index] - now.overlap[row][index]
        layer.recall[position] = max(0, layer.recall[position] + 0.7 * gain * lack / (1 - base))
      }
      // The hit rate of the smallest cache is the overlap at lag 1; the others tell cohesion.
      let larger = target.plan.capacities.indices.filter { target.plan.capacities[$0] >= 0.25 }
      let hits = missing(larger) { $0.hitRate[$1][index] }
      layer.cohesion = min(1, max(0.5, layer.cohesion + 3 * gain * hits))
      let sum = layer.recall.reduce(0, +)
      if sum > 0.85 * layer.cohesion {
        for position in layer.recall.indices {
          layer.recall[position] *= 0.85 * layer.cohesion / sum
        }
      }
      if index > 0 {
        let lack = target.association[index] - now.association[index]
        layer.chain = min(0.98, max(0, layer.chain + gain * lack))
      }
      parameters.layers[index] = layer
    }
  }
}

extension RoutingCorpus {
  /// The Dirichlet concentration with the second moment of a layer's gate weights, or `nil`.
  ///
  /// For K weights of concentration α the expectation of the sum of squares is (1+α)/(1+Kα).
  func gateConcentration(layer: Int) -> Double? {
    if weights.isEmpty || shape.topK < 2 { return nil }
    var moment = 0.0
    var count = 0
    for token in 0..<tokens {
      let base = (token * shape.layers + layer) * shape.topK
      let sum = weights[base..<base + shape.topK].reduce(0) { $0 + Double($1) }
      if sum <= 0 { continue }
      moment += weights[base..<base + shape.topK].reduce(0) { $0 + Double($1 * $1) } / (sum * sum)
      count += 1
    }
    if count == 0 { return nil }
    moment /= Double(count)
    let concentration = (1 - moment) / max(1e-6, Double(shape.topK) * moment - 1)
    return min(1000, max(0.05, concentration))
  }
}
