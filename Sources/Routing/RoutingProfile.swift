// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Glibc
import RandomStreams

/// Statistics of routing as a function of a layer's depth, for models of which no trace is at
/// hand: parameters for any shape are interpolated between knots, and popularity is drawn.
public struct RoutingProfile: Sendable, Equatable {
  /// The statistics at one depth.
  public struct Knot: Sendable, Equatable {
    /// The depth: 0 is the first MoE layer, 1 the last.
    public var depth: Double
    /// Deviation of the logarithm of the experts' popularity; 0 makes them alike.
    public var popularitySpread: Double
    /// The other statistics; its `popularity` is not used.
    public var layer: RoutingParameters.Layer

    /// The statistics at one depth.
    public init(depth: Double, popularitySpread: Double, layer: RoutingParameters.Layer) {
      self.depth = depth
      self.popularitySpread = popularitySpread
      self.layer = layer
    }
  }

  /// The name of the model or of the default.
  public var name: String
  /// Where the statistics come from.
  public var source: String
  /// The shape for which they were found, which is used when none is asked for.
  public var shape: RoutingShape?
  /// The last lag of each class.
  public var lagEnds: [Int]
  /// The seed of the drawn popularity: a property of the model, not of an experiment.
  public var popularitySeed: UInt64
  /// At least one knot, by ascending depth.
  public var knots: [Knot]

  /// A profile.
  public init(
    name: String, source: String, shape: RoutingShape?,
    lagEnds: [Int] = RoutingParameters.standardLagEnds, popularitySeed: UInt64 = 1, knots: [Knot]
  ) {
    self.name = name
    self.source = source
    self.shape = shape
    self.lagEnds = lagEnds
    self.popularitySeed = popularitySeed
    self.knots = knots
  }

  /// The parameters for a shape.
  public func parameters(for shape: RoutingShape) -> RoutingParameters {
    let layers = (0..<max(0, shape.layers)).map { index in
      let depth = shape.layers > 1 ? Double(index) / Double(shape.layers - 1) : 0
      var (layer, spread) = statistics(at: depth)
      var stream = RandomStream(
        seed: popularitySeed, replication: 0, purpose: .routingPopularity, entity: UInt64(index))
      layer.popularity = (0..<max(0, shape.experts)).map { _ in
        exp(stream.normal(standardDeviation: spread))
      }
      if index == 0 { layer.chain = 0 }
      return layer
    }
    return RoutingParameters(
      name: name, source: source, shape: shape, lagEnds: lagEnds, layers: layers)
  }

  private func statistics(at depth: Double) -> (RoutingParameters.Layer, Double) {
    let upper = knots.firstIndex { $0.depth >= depth } ?? knots.count - 1
    let after = knots[upper]
    if upper == 0 || after.depth <= depth { return (after.layer, after.popularitySpread) }
    let before = knots[upper - 1]
    let part = (depth - before.depth) / (after.depth - before.depth)
    func mix(_ first: Double, _ second: Double) -> Double { first + part * (second - first) }
    let layer = RoutingParameters.Layer(
      popularity: [], requestSpread: mix(before.layer.requestSpread, after.layer.requestSpread),
      coherence: mix(before.layer.coherence, after.layer.coherence),
      recall: zip(before.layer.recall, after.layer.recall).map(mix),
      cohesion: mix(before.layer.cohesion, after.layer.cohesion),
      chain: mix(before.layer.chain, after.layer.chain),
      gateConcentration: mix(before.layer.gateConcentration, after.layer.gateConcentration))
    return (layer, mix(before.popularitySpread, after.popularitySpread))
  }
}
