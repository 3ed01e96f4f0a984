// SPDX-License-Identifier: GPL-3.0-or-later

/// FineMoE's store of expert maps (arXiv 2502.05370): for each recorded pass of a request the
/// probabilities that each layer's gate gave to the experts, with an embedding of what was read.
///
/// Searches are exact: the cosine with every entry. The products of a running pass with all entries
/// are carried on from layer to layer, so that a search after a layer costs O(capacity × experts)
/// however many layers lie before.
struct ExpertMapStore: Sendable {
  let layers: Int
  let experts: Int
  let capacity: Int
  /// The number of maps.
  private(set) var count = 0
  /// The distance between neighbours in a buffer of one figure for each entry.
  var stride: Int { maps.stride }

  private var maps: SimilarityColumns
  private var embeddings: SimilarityColumns
  /// [layer][entry]: one over the length of the map's part through that layer.
  private var inverseLengths: [Float]
  /// [entry]: one over the embedding's length, 0 without one.
  private var inverseEmbeddings: [Float]
  /// [entry][layer][expert]: the maps once more, for reading one of them.
  private var rows: [Float]

  init(layers: Int, experts: Int, capacity: Int) {
    self.layers = layers
    self.experts = experts
    self.capacity = capacity
    maps = SimilarityColumns(components: layers * experts, capacity: capacity)
    embeddings = SimilarityColumns(components: experts, capacity: capacity)
    inverseLengths = Array(repeating: 0, count: layers * maps.stride)
    inverseEmbeddings = Array(repeating: 0, count: maps.stride)
    rows = Array(repeating: 0, count: layers * experts * capacity)
  }

  /// Carries the products of a running pass on by one layer.
  func addProducts(
    ofLayer layer: Int, row: UnsafeBufferPointer<Float>, to products: inout [Float]
  ) {
    maps.addProducts(of: row, from: layer * experts, to: &products)
  }

  /// The map most like a pass of which the layers through `layer` are known.
  ///
  /// - Parameters:
  ///   - products: The pass's products with all maps, as far as it is known.
  ///   - length: The length of what is known of it.
  func nearest(products: [Float], layer: Int, length: Float) -> (entry: Int, score: Float)? {
    guard count > 0, length > 0 else { return nil }
    let found = inverseLengths.withUnsafeBufferPointer { lengths in
      SimilarityColumns.largest(
        of: products,
        times: UnsafeBufferPointer(rebasing: lengths[layer * stride..<(layer + 1) * stride]),
        count: count)
    }
    return (found.entry, found.value / length)
  }

  /// The map whose embedding is most like a given one.
  func nearest(embedding: [Float]) -> (entry: Int, score: Float)? {
    guard count > 0, !embedding.isEmpty else { return nil }
    let length = Self.length(of: embedding)
    guard length > 0 else { return nil }
    let products = embeddingProducts(embedding)
    let found = inverseEmbeddings.withUnsafeBufferPointer {
      SimilarityColumns.largest(of: products, times: $0, count: count)
    }
    return (found.entry, found.value / length)
  }

  private func embeddingProducts(_ embedding: [Float]) -> [Float] {
    var products = [Float](repeating: 0, count: stride)
    embedding.withUnsafeBufferPointer { embeddings.addProducts(of: $0, from: 0, to: &products) }
    return products
  }

  /// A layer's probabilities in a map.
  func row(_ entry: Int, layer: Int) -> ArraySlice<Float> {
    let first = (entry * layers + layer) * experts
    return rows[first..<first + experts]
  }

  /// Puts a map in: behind the others while there is room, else in place of the one that it makes
  /// most redundant, by `share · cosine of embeddings + (1 − share) · cosine of maps`.
  ///
  /// - Parameters:
  ///   - map: [layer][expert].
  ///   - products: Its products with all entries.
  ///   - share: The weight of embeddings: d/L, d being the layers that they are searched for.
  /// - Returns: the entry.
  mutating func insert(
    map: [Float], products: [Float], embedding: [Float], share: Float
  ) -> Int {
    let entry: Int
    if count < capacity {
      entry = count
      count += 1
    } else {
      entry = mostRedundant(map: map, products: products, embedding: embedding, share: share)
    }
    write(map, embedding, at: entry)
    return entry
  }

  private func mostRedundant(
    map: [Float], products: [Float], embedding: [Float], share: Float
  ) -> Int {
    let likeness = embedding.isEmpty ? [] : embeddingProducts(embedding)
    let embeddingScale = 1 / max(Self.length(of: embedding), .leastNormalMagnitude)
    let mapScale = 1 / max(Self.length(of: map), .leastNormalMagnitude)
    let last = (layers - 1) * stride
    var best = 0
    var most = -Float.infinity
    for entry in 0..<count {
      var score = (1 - share) * products[entry] * inverseLengths[last + entry] * mapScale
      if !likeness.isEmpty {
        score += share * likeness[entry] * inverseEmbeddings[entry] * embeddingScale
      }
      if score > most { (best, most) = (entry, score) }
    }
    return best
  }

  private mutating func write(_ map: [Float], _ embedding: [Float], at entry: Int) {
    var square: Float = 0
    for layer in 0..<layers {
      for expert in 0..<experts {
        let place = layer * experts + expert
        let value = map[place]
        maps[place, entry] = value
        rows[entry * layers * experts + place] = value
        square += value * value
      }
      inverseLengths[layer * stride + entry] = square > 0 ? 1 / square.squareRoot() : 0
    }
    for component in 0..<experts {
      embeddings[component, entry] = embedding.isEmpty ? 0 : embedding[component]
    }
    let length = Self.length(of: embedding)
    inverseEmbeddings[entry] = length > 0 ? 1 / length : 0
  }

  /// The product of what is known of a pass with one map.
  func product(of map: [Float], layers known: Int, with entry: Int) -> Float {
    maps.product(of: map[..<(known * experts)], from: 0, with: entry)
  }

  /// The length of a vector.
  static func length(of vector: [Float]) -> Float {
    var square: Float = 0
    for value in vector { square += value * value }
    return square.squareRoot()
  }
}
