// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Routing

/// MoE-Infinity's prediction from traced sequences (arXiv 2401.14361), run for real.
///
/// A sequence is described by its expert activation matrix: how many of its tokens each expert of
/// each layer has computed, prompt and output together. When a gate has decided, the present
/// sequence's matrix is compared with those of past sequences, by the mean over layers of the cosine
/// of their rows; the most similar one tells the later layers. Its most used experts are named, as
/// many as the gate will choose or, with ``namesAll``, all that were used; their weight is their share
/// of the layer's uses: what to fetch first, the prefetch policy says (`urgency: decay`). A sequence that has ended enters the collection; when that is full, the
/// matrix that was found least often gives way.
///
/// ``Variant/code`` follows the released code (TorchMoE/MoE-Infinity,
/// `moe_infinity/memory/expert_tracer.py` and `expert_predictor.py`) where it differs: the layers
/// through the present one are left out of the comparison, and an expert's weight is its count of
/// uses, not its share. In the released models the calls of this predictor are commented out.
///
/// The paper fills its collection from a data set beforehand and thins it by clustering; here it is
/// empty when a run begins.
public struct ActivationMatrixPrediction: PredictionPolicy {
  /// Whose reading it is.
  public enum Variant: String, Sendable, CaseIterable {
    /// What the paper says.
    case paper
    /// What the released code does.
    case code
  }

  /// One running request.
  private struct Sequence {
    /// [layer][expert]: tokens.
    var uses: [Float]
    /// [layer][entry]: the cosine of this row with the entry's.
    var cosines: [Float]
    /// The most similar entry, when it has been looked for since the last gate.
    var found: Int?
    var isSearched = false
    /// The layer whose gate has decided last.
    var layer = -1
  }

  /// Whose reading it is.
  public let variant: Variant
  /// Whether every expert that the found sequence used is named.
  public let namesAll: Bool
  /// Matrices that the collection holds.
  public let capacity: Int
  /// Seconds that a search takes.
  public let latencySeconds: Double
  private var layers = 0
  private var experts = 0
  /// Rows of unit length, [layer][expert] by entry.
  private var columns = SimilarityColumns(components: 1, capacity: 1)
  /// [entry][layer][expert]: tokens.
  private var matrices: [[Float]] = []
  private var finds: [Int] = []
  private var slots = RequestSlots()
  private var sequences: [Sequence] = []
  private var sums: [Float] = []
  private var ones: [Float] = []
  private var ranking = ExpertRanking()

  /// A predictor with an empty collection.
  public init(
    variant: Variant = .paper, namesAll: Bool = false, capacity: Int = 1000,
    latencySeconds: Double = 0
  ) {
    precondition(capacity >= 1)
    self.namesAll = namesAll
    self.variant = variant
    self.capacity = capacity
    self.latencySeconds = latencySeconds
  }

  /// Looks as far as it is asked to.
  public var reach: Int { .max }
  /// Counts.
  public var observes: Bool { true }
  /// The number of matrices in the collection.
  public var matrixCount: Int { matrices.count }

  /// Makes room for the collection.
  public mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {
    (layers, experts) = (layout.layers, layout.experts)
    columns = SimilarityColumns(components: layers * experts, capacity: capacity)
    (matrices, finds, sequences) = ([], [], [])
    slots = RequestSlots()
    sums = Array(repeating: 0, count: columns.stride)
    ones = Array(repeating: 1, count: columns.stride)
  }

  /// Begins a request with an empty matrix.
  public mutating func sequenceBegan(_ request: UInt64, promptTokens: Int) {
    let (place, isNew) = slots.begin(request)
    let fresh = Sequence(
      uses: Array(repeating: 0, count: layers * experts),
      cosines: Array(repeating: 0, count: layers * columns.stride))
    if isNew { sequences.append(fresh) } else { sequences[place] = fresh }
  }

  /// Adds a request's matrix to the collection.
  public mutating func sequenceEnded(_ request: UInt64) {
    guard let place = slots.end(request) else { return }
    let uses = sequences[place].uses
    guard uses.contains(where: { $0 > 0 }) else { return }
    let entry: Int
    if matrices.count < capacity {
      entry = matrices.count
      matrices.append(uses)
      finds.append(1)
    } else {
      entry = finds.indices.min { (finds[$0], $0) < (finds[$1], $1) } ?? 0
      matrices[entry] = uses
      finds[entry] = 1
    }
    for layer in 0..<layers {
      let scale = inverseLength(uses, layer)
      for component in layer * experts..<(layer + 1) * experts {
        columns[component, entry] = uses[component] * scale
      }
    }
    compare(entry)
  }

  /// Adds what a gate chose to the request's matrix, and compares the layer's row anew.
  ///
  /// - Complexity: O(capacity × experts used).
  public mutating func observed(
    _ subject: PredictionSubject, choices: borrowing LayerActivation
  ) {
    guard let place = slots[subject.request] else { return }
    let first = subject.layer * experts
    for expert in choices.distinct {
      sequences[place].uses[first + Int(expert)] += Float(choices.tokensPerExpert[Int(expert)])
    }
    sequences[place].layer = subject.layer
    sequences[place].isSearched = false
    guard !matrices.isEmpty else { return }
    for entry in sums.indices { sums[entry] = 0 }
    sequences[place].uses.withUnsafeBufferPointer { uses in
      columns.addProducts(
        of: UnsafeBufferPointer(rebasing: uses[first..<first + experts]), from: first, to: &sums)
    }
    let scale = inverseLength(sequences[place].uses, subject.layer)
    let row = subject.layer * columns.stride
    for entry in 0..<matrices.count { sequences[place].cosines[row + entry] = sums[entry] * scale }
  }

  /// Adds the experts that the most similar sequence used.
  ///
  /// - Complexity: O(experts × log experts), and O(layers × capacity) for the first question after a gate.
  public mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) {
    guard let place = slots[subject.request], sequences[place].layer == subject.decidedLayer,
      let entry = nearest(to: place)
    else { return }
    let first = subject.layer * experts
    let row = matrices[entry][first..<first + experts]
    let sum = row.reduce(0, +)
    guard sum > 0 else { return }
    let scale = variant == .paper ? 1 / sum : 1
    ranking.rank(row)
    for rank in 0..<(namesAll ? ranking.count : min(ranking.count, truth.distinct.count)) {
      let expert = ranking[rank]
      answer.add(expert: Int32(expert), weight: row[first + expert] * scale)
    }
    answer.tokens += truth.tokens
  }

  /// The entry whose rows are most like a sequence's, the first of equals.
  private mutating func nearest(to place: Int) -> Int? {
    guard !matrices.isEmpty else { return nil }
    if sequences[place].isSearched { return sequences[place].found }
    for entry in sums.indices { sums[entry] = 0 }
    let first = variant == .paper ? 0 : sequences[place].layer + 1
    for layer in first..<max(first, layers) {
      let row = layer * columns.stride
      for entry in 0..<matrices.count { sums[entry] += sequences[place].cosines[row + entry] }
    }
    let found = ones.withUnsafeBufferPointer {
      SimilarityColumns.largest(of: sums, times: $0, count: matrices.count).entry
    }
    sequences[place].found = found
    sequences[place].isSearched = true
    finds[found] += 1
    return found
  }

  /// Compares the running sequences with an entry that is new.
  private mutating func compare(_ entry: Int) {
    for request in slots.running {
      guard let place = slots[request] else { continue }
      sequences[place].isSearched = false
      for layer in 0..<layers {
        let components = layer * experts..<(layer + 1) * experts
        let product = columns.product(
          of: sequences[place].uses[components], from: layer * experts, with: entry)
        sequences[place].cosines[layer * columns.stride + entry] =
          product * inverseLength(sequences[place].uses, layer)
      }
    }
  }

  private func inverseLength(_ matrix: [Float], _ layer: Int) -> Float {
    var square: Float = 0
    for component in layer * experts..<(layer + 1) * experts {
      square += matrix[component] * matrix[component]
    }
    return square > 0 ? 1 / square.squareRoot() : 0
  }

  static let registration = RoleRegistration<any PredictionPolicy>(
    name: "activation-matrix",
    summary: "predicts what the past sequence most like the present one used",
    parameters: [
      RoleParameter(
        "variant", .choice(Variant.allCases.map(\.rawValue)), word: Variant.paper.rawValue,
        summary: "whether the paper or the released code is followed"),
      RoleParameter(
        "all", .flag, default: 0,
        summary: "whether every expert that the found sequence used is named"),
      RoleParameter(
        "capacity", .count(1...100_000), default: 1000,
        summary: "matrices of past sequences that are kept"),
      RoleParameter("latency", .duration(0...1), default: 0, summary: "what a search takes"),
    ]
  ) { settings in
    ActivationMatrixPrediction(
      variant: settings.text("variant").flatMap(Variant.init) ?? .paper,
      namesAll: settings.flag("all"), capacity: settings.count("capacity") ?? 1000,
      latencySeconds: settings.number("latency") ?? 0)
  }
}
