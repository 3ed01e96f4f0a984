// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import RandomStreams

/// Routing parameters in the form in which the generator reads them: fixed-point numbers in flat
/// memory. Immutable, and shared by all sequences.
final class GenerationTables: @unchecked Sendable {
  let shape: RoutingShape
  let classes: Int
  /// Lag classes: the first lag and the number of lags.
  let lagFirst: UnsafeMutablePointer<Int>
  let lagWidth: UnsafeMutablePointer<Int>
  /// [layer][class]: cumulated probability that the token recalls, in units of 2⁻³².
  let recall: UnsafeMutablePointer<UInt32>
  /// [layer]: share taken over, share that follows the layer before; 2⁻¹⁶, so 65,536 is one.
  let cohesion: UnsafeMutablePointer<UInt32>
  let chain: UnsafeMutablePointer<UInt32>
  /// [layer][expert]: the model's weights, normalised.
  let weights: UnsafeMutablePointer<Float>
  /// [layer]: the model's popularity for looking up.
  let popularity: CumulativeTables
  /// [layer]: what is added to a coordinate on the way from the layer before, 2⁻³².
  let rotation: UnsafeMutablePointer<UInt32>
  /// [layer][256]: quantiles of a request's factor.
  let factors: UnsafeMutablePointer<Float>
  /// [layer][256]: how often a choice that follows the layer before is accepted, in 1/256, by the
  /// quantile of the request's factor: in proportion to it, up to the median.
  let acceptance: UnsafeMutablePointer<UInt8>
  /// [layer]: the share of experts whose factor is that of their association, in 1/256.
  let coherence: [UInt32]
  /// [layer][expert]: the cell of the request's shared field; associated experts share cells.
  let cells: UnsafeMutablePointer<UInt16>
  /// [table][256]: quantiles of the gamma variables behind gate weights; [layer]: which table.
  let gates: UnsafeMutablePointer<Float>
  let gateTable: [Int]

  static let quantiles = 256

  init(_ parameters: RoutingParameters) throws(InvalidRoutingParameters) {
    let problems = parameters.problems
    if !problems.isEmpty {
      throw InvalidRoutingParameters(
        name: parameters.name, problems: problems.map { "\($0.path): \($0.message)" })
    }
    shape = parameters.shape
    let layers = shape.layers
    let experts = shape.experts
    let ends = parameters.lagEnds
    classes = ends.count
    let starts = [1] + ends.dropLast().map { $0 + 1 }
    lagFirst = .allocate(capacity: ends.count)
    lagWidth = .allocate(capacity: ends.count)
    for index in ends.indices {
      lagFirst[index] = starts[index]
      lagWidth[index] = ends[index] - starts[index] + 1
    }
    recall = .allocate(capacity: layers * ends.count)
    cohesion = .allocate(capacity: layers)
    chain = .allocate(capacity: layers)
    weights = .allocate(capacity: layers * experts)
    popularity = CumulativeTables(layers: layers, experts: experts)
    factors = .allocate(capacity: layers * Self.quantiles)
    acceptance = .allocate(capacity: layers * Self.quantiles)
    coherence = parameters.layers.map { UInt32(($0.coherence * 256).rounded()) }
    cells = .allocate(capacity: layers * experts)
    // Steps of the golden ratio spread over the circle and repeat for no layer.
    rotation = .allocate(capacity: layers)
    for layer in 0..<layers {
      rotation[layer] = UInt32(truncatingIfNeeded: layer) &* 0x9E37_79B9
    }
    let concentrations = Array(Set(parameters.layers.map(\.gateConcentration))).sorted()
    gates = .allocate(capacity: concentrations.count * Self.quantiles)
    gateTable = parameters.layers.map { concentrations.firstIndex(of: $0.gateConcentration)! }
    fillQuantiles(parameters, concentrations)
    for (index, layer) in parameters.layers.enumerated() { fill(index, layer) }
    fillCells()
  }

  deinit {
    popularity.deallocate()
    lagFirst.deallocate()
    lagWidth.deallocate()
    rotation.deallocate()
    recall.deallocate()
    cohesion.deallocate()
    chain.deallocate()
    weights.deallocate()
    factors.deallocate()
    acceptance.deallocate()
    cells.deallocate()
    gates.deallocate()
  }

  private func fillQuantiles(_ parameters: RoutingParameters, _ concentrations: [Double]) {
    let normal = (0..<Self.quantiles).map {
      Quantiles.normal((Double($0) + 0.5) / Double(Self.quantiles))
    }
    for (index, layer) in parameters.layers.enumerated() {
      for quantile in 0..<Self.quantiles {
        factors[index * Self.quantiles + quantile] = Float(
          exp(layer.requestSpread * normal[quantile]))
        let accepted = min(1, exp(layer.requestSpread * (normal[quantile])))
        acceptance[index * Self.quantiles + quantile] = UInt8(min(255, accepted * 256))
      }
    }
    for (table, concentration) in concentrations.enumerated() {
      for quantile in 0..<Self.quantiles {
        let probability = (Double(quantile) + 0.5) / Double(Self.quantiles)
        gates[table * Self.quantiles + quantile] = Float(
          max(1e-20, Quantiles.gamma(probability, shape: concentration, scale: 1)))
      }
    }
  }

  /// The cell of an expert is where the middle of its interval lies once the turns between the
  /// layers are undone.
  private func fillCells() {
    var turn: UInt32 = 0
    for layer in 0..<shape.layers {
      turn = turn &+ rotation[layer]
      var start: UInt32 = 0
      for expert in 0..<shape.experts {
        let end = popularity.ends[layer * shape.experts + expert]
        let middle = start &+ (end &- start) / 2 &- turn
        cells[layer * shape.experts + expert] = UInt16(
          (UInt64(middle) &* UInt64(shape.experts)) &>> 32)
        start = end
      }
    }
  }

  private func fill(_ index: Int, _ layer: RoutingParameters.Layer) {
    var cumulated = 0.0
    for (position, probability) in layer.recall.enumerated() {
      cumulated += probability
      recall[index * classes + position] = UInt32(
        min(4_294_967_295, (cumulated / layer.cohesion * 0x1p32).rounded()))
    }
    cohesion[index] = UInt32((layer.cohesion * 65_536).rounded())
    chain[index] = index == 0 ? 0 : UInt32((layer.chain * 65_536).rounded())
    let sum = layer.popularity.reduce(0, +)
    for (expert, weight) in layer.popularity.enumerated() {
      weights[index * shape.experts + expert] = Float(weight / sum)
    }
    popularity.fill(index, from: weights + index * shape.experts)
  }
}

/// Cumulated weights of experts, one table a layer, with guides that make a look-up O(1).
///
/// Source: Chen and Asau, "On generating random variates from an empirical distribution", AIIE
/// Transactions 6 (1974), the guide table.
struct CumulativeTables {
  let experts: Int
  /// [layer][expert]: the end of the expert's interval on 0 ..< 2³², the last one cut by one.
  let ends: UnsafeMutablePointer<UInt32>
  /// [layer][cell]: the expert in whose interval the cell begins.
  let guides: UnsafeMutablePointer<UInt16>
  let cells: Int
  let shift: UInt32

  init(layers: Int, experts: Int) {
    self.experts = experts
    // The finer the guide, the more often it names the expert at once, and the branch of the
    // look-up is foretold by the processor; large tables would leave its cache.
    let cellsPerExpert = experts <= 64 ? 8 : 1
    var bits = 2
    while 1 << bits < experts * cellsPerExpert { bits += 1 }
    cells = 1 << bits
    shift = UInt32(32 - bits)
    ends = .allocate(capacity: layers * experts)
    guides = .allocate(capacity: layers * cells)
  }

  func deallocate() {
    ends.deallocate()
    guides.deallocate()
  }

  /// Fills a layer's table from weights that need not be normalised; their sum is positive.
  func fill(_ layer: Int, from weights: UnsafePointer<Float>) {
    var sum: Float = 0
    for expert in 0..<experts { sum += weights[expert] }
    let scale = 0x1p32 / Double(sum)
    let ends = self.ends + layer * experts
    let guides = self.guides + layer * cells
    var cumulated = 0.0
    var cell = 0
    for expert in 0..<experts {
      cumulated += Double(weights[expert]) * scale
      let end = expert == experts - 1 ? UInt32.max : UInt32(min(cumulated, 4_294_967_295))
      ends[expert] = end
      // Cells that begin before the end belong to this expert or to an earlier one.
      while cell < cells && UInt32(truncatingIfNeeded: cell) &<< shift < end {
        guides[cell] = UInt16(truncatingIfNeeded: expert)
        cell += 1
      }
    }
    while cell < cells {
      guides[cell] = UInt16(truncatingIfNeeded: experts - 1)
      cell += 1
    }
  }

  /// The expert in whose interval a coordinate lies.
  @inline(__always)
  func expert(at coordinate: UInt32, layer: Int) -> Int {
    let ends = self.ends + layer &* experts
    var expert = Int(guides[layer &* cells &+ Int(coordinate &>> shift)])
    while ends[expert] <= coordinate && expert < experts &- 1 { expert &+= 1 }
    return expert
  }

  /// A coordinate within an expert's interval, from 32 random bits.
  @inline(__always)
  func coordinate(within expert: Int, layer: Int, random: UInt32) -> UInt32 {
    let ends = self.ends + layer &* experts
    let start = expert == 0 ? 0 : ends[expert &- 1]
    let width = UInt64(ends[expert] &- start)
    return start &+ UInt32(truncatingIfNeeded: (width &* UInt64(random)) &>> 32)
  }
}
