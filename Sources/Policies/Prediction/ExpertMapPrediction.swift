// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Residency
import Routing

/// FineMoE's search of expert maps (arXiv 2502.05370, section 4), run for real on what gates choose.
///
/// A pass of a request is described by its map: for each layer the probabilities that the gate gave
/// to the experts. The first `d` layers of a pass are predicted from the recorded pass with the most
/// similar embedding, each later layer l from the one whose map is most similar in layers 1 … l − d.
/// Of the found map's layer as many of the most probable experts are named as reach a sum of
/// δ = clip(1 − similarity, 0, 1), at least as many as the gate chooses; their weight is their
/// probability. When a pass has ended its map enters the store.
///
/// ``Variant/code`` follows the released code (IntelliSys-Lab/FineMoE-EuroSys26,
/// `finemoe/runtime/model_offload.py`) where it differs: experts are named while the sum does not
/// exceed δ, so that it may stop one short; each search after a gate plans every layer from d + 1
/// behind it to the last, and layer d (counted from 0) is not planned by any.
///
/// There is no text and no hidden state here. What stands for them:
/// - A gate's probabilities are the gate weights of the chosen experts, scaled to 1 − `unchosen`,
///   and for the rest the request's tendency (`RoutingSource.tendency`).
/// - The embedding is the request's tendency in the first layer, less its mean and scaled to unit
///   deviation, with normal noise of deviation `noise` for each pass.
public struct ExpertMapPrediction: PredictionPolicy {
  /// Whose reading it is.
  public enum Variant: String, Sendable, CaseIterable {
    /// What the paper says.
    case paper
    /// What the released code does.
    case code
  }

  /// What can be chosen about it.
  public struct Options: Sendable {
    /// Whose reading it is.
    public var variant = Variant.paper
    /// Layers from what is known to what is predicted, d.
    public var distance = 3
    /// Maps that the store holds.
    public var capacity = 1000
    /// The share of a gate's probability that falls to experts that it does not choose.
    public var unchosen = 0.3
    /// The deviation of the embedding's noise, the signal's being 1.
    public var noise = 1.0
    /// Seconds that a search takes.
    public var latencySeconds = 0.0

    /// The published choices.
    public init() {}
  }

  /// One running pass of a request.
  private struct Pass {
    var request: UInt64 = 0
    var position = 0
    var isRunning = false
    /// Layers of which the gate has decided.
    var layers = 0
    var map: [Float]
    var products: [Float]
    var square: Float = 0
    var embedding: [Float] = []
    var bySemantics: (entry: Int, score: Float)?
    var byTrajectory: (entry: Int, score: Float)?
    var isSearched = false
  }

  /// What can be chosen about it.
  public let options: Options
  private var layers = 0
  private var experts = 0
  private var store = ExpertMapStore(layers: 1, experts: 1, capacity: 1)
  private var slots = RequestSlots()
  /// [place][layer][expert]: the tendencies of running requests; empty where the source knows none.
  private var tendencies: [[Float]] = []
  private var passes: [Pass] = []
  private var ranking = ExpertRanking()
  private var stream = RandomStream(seed: 0, replication: 0, purpose: .prediction, entity: 0)

  /// A predictor with an empty store.
  public init(options: Options = Options()) { self.options = options }

  /// In the paper's reading exactly d layers ahead; in the code's, all from d + 1 on.
  public var nearest: Int { options.variant == .paper ? options.distance : options.distance + 1 }
  /// See ``nearest``.
  public var reach: Int { options.variant == .paper ? options.distance : .max }
  /// Seconds that a search takes.
  public var latencySeconds: Double { options.latencySeconds }
  /// The first layers are predicted before any gate.
  public var predictsAtStepStart: Bool { true }
  /// Records maps.
  public var observes: Bool { true }
  /// Reads tendencies.
  public var needsTendencies: Bool { true }

  /// The number of maps in the store.
  public var mapCount: Int { store.count }

  /// Makes the store.
  public mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {
    (layers, experts) = (layout.layers, layout.experts)
    store = ExpertMapStore(layers: layers, experts: experts, capacity: options.capacity)
    slots = RequestSlots()
    tendencies = []
    passes = []
    stream = RandomStream(seed: seed, replication: replication, purpose: .prediction, entity: 0)
  }

  /// Begins a request.
  public mutating func sequenceBegan(_ request: UInt64, promptTokens: Int) {
    let (place, isNew) = slots.begin(request)
    if isNew { tendencies.append([]) }
    tendencies[place].removeAll(keepingCapacity: true)
  }

  /// Takes over a request's tendency in a layer; the layers come in order.
  public mutating func tendency(of request: UInt64, layer: Int, shares: [Float]) {
    guard let place = slots[request], tendencies[place].count == layer * experts else { return }
    tendencies[place].append(contentsOf: shares)
  }

  /// Ends a request; a pass that has not ended is not recorded.
  public mutating func sequenceEnded(_ request: UInt64) {
    _ = slots.end(request)
    for index in passes.indices where passes[index].request == request {
      passes[index].isRunning = false
    }
  }

  /// Carries the map of a pass on by a layer, and records it behind the last.
  ///
  /// - Complexity: O(capacity × experts) for a layer, and for the last O(capacity × (experts +
  ///   layers)) and O(layers × experts) for each other running pass.
  public mutating func observed(
    _ subject: PredictionSubject, choices: borrowing LayerActivation
  ) {
    guard let place = slots[subject.request] else { return }
    let index =
      passIndex(of: subject, mayBegin: subject.layer == 0)
    guard let index, passes[index].layers == subject.layer else { return }
    fillRow(of: subject.layer, from: choices, place: place, pass: index)
    let first = subject.layer * experts
    let store = store
    passes[index].map.withUnsafeBufferPointer { map in
      store.addProducts(
        ofLayer: subject.layer,
        row: UnsafeBufferPointer(rebasing: map[first..<first + experts]),
        to: &passes[index].products)
    }
    passes[index].layers += 1
    passes[index].isSearched = false
    if passes[index].layers == layers { record(index) }
  }

  /// Adds the experts that the nearest recorded pass names.
  ///
  /// - Complexity: O(experts × log experts), and O(capacity) for the first question after a gate;
  ///   O(capacity × experts) for the first of a step.
  public mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) {
    let decided = subject.decidedLayer
    guard slots[subject.request] != nil, reaches(subject),
      let index = passIndex(of: subject, mayBegin: decided < 0),
      passes[index].layers == decided + 1
    else { return }
    let match = decided < 0 ? passes[index].bySemantics : trajectory(of: index)
    guard let match else { return }
    let row = store.row(match.entry, layer: subject.layer)
    ranking.rank(row)
    let named = count(
      row: row, threshold: min(max(1 - match.score, 0), 1), least: truth.distinct.count)
    for rank in 0..<named {
      let expert = ranking[rank]
      answer.add(
        expert: Int32(expert), weight: row[row.startIndex + expert] * Float(max(1, truth.tokens)))
    }
    answer.tokens += truth.tokens
  }

  /// Whether the layer in question is predicted at this moment.
  private func reaches(_ subject: PredictionSubject) -> Bool {
    if subject.decidedLayer < 0 { return subject.layer < options.distance }
    return options.variant == .paper
      ? subject.distance == options.distance : subject.distance > options.distance
  }

  /// How many of the ranked experts are named.
  private func count(row: ArraySlice<Float>, threshold: Float, least: Int) -> Int {
    var sum: Float = 0
    var named = 0
    while named < ranking.count {
      let probability = row[row.startIndex + ranking[named]]
      if named >= least {
        if options.variant == .paper ? sum >= threshold : sum + probability > threshold { break }
      }
      sum += probability
      named += 1
    }
    return named
  }

  private mutating func trajectory(of index: Int) -> (entry: Int, score: Float)? {
    if !passes[index].isSearched {
      passes[index].isSearched = true
      passes[index].byTrajectory = store.nearest(
        products: passes[index].products, layer: passes[index].layers - 1,
        length: passes[index].square.squareRoot())
    }
    return passes[index].byTrajectory
  }
}

// MARK: - Passes

extension ExpertMapPrediction {
  /// The running pass of a subject; begun if there is none and it may.
  private mutating func passIndex(of subject: PredictionSubject, mayBegin: Bool) -> Int? {
    var free: Int?
    for index in passes.indices {
      if passes[index].isRunning {
        if passes[index].request == subject.request, passes[index].position == subject.position {
          return index
        }
      } else {
        free = index
      }
    }
    guard mayBegin else { return nil }
    let index: Int
    if let free {
      index = free
    } else {
      index = passes.count
      passes.append(
        Pass(
          map: Array(repeating: 0, count: layers * experts),
          products: Array(repeating: 0, count: store.stride)))
    }
    begin(index, subject)
    return index
  }

  private mutating func begin(_ index: Int, _ subject: PredictionSubject) {
    passes[index].request = subject.request
    passes[index].position = subject.position
    passes[index].isRunning = true
    passes[index].layers = 0
    passes[index].square = 0
    passes[index].isSearched = false
    for entry in passes[index].products.indices { passes[index].products[entry] = 0 }
    embed(index)
    passes[index].bySemantics = store.nearest(embedding: passes[index].embedding)
  }

  /// Draws the embedding of a pass.
  private mutating func embed(_ index: Int) {
    passes[index].embedding.removeAll(keepingCapacity: true)
    guard let place = slots[passes[index].request], tendencies[place].count >= experts else {
      return
    }
    let shares = tendencies[place][..<experts]
    let mean = shares.reduce(0, +) / Float(experts)
    let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(experts)
    let scale = variance > 0 ? 1 / variance.squareRoot() : 0
    var draws = stream.forEntity(passes[index].request)
    // A pass draws fewer than 2^20 numbers.
    draws.seek(block: UInt64(truncatingIfNeeded: passes[index].position & 0xFFF_FFFF) &<< 20)
    for share in shares {
      let noise = options.noise > 0 ? Float(draws.normal(standardDeviation: options.noise)) : 0
      passes[index].embedding.append((share - mean) * scale + noise)
    }
  }

  /// Writes a layer of a pass's map.
  private mutating func fillRow(
    of layer: Int, from choices: borrowing LayerActivation, place: Int, pass index: Int
  ) {
    let first = layer * experts
    var sum: Float = 0
    for expert in choices.distinct { sum += choices.weightPerExpert[Int(expert)] }
    let knows = tendencies[place].count == layers * experts
    let rest = knows ? Float(options.unchosen) : 0
    let scale = sum > 0 ? (1 - rest) / sum : 0
    for expert in 0..<experts {
      var value = choices.weightPerExpert[expert] * scale
      if knows { value += rest * tendencies[place][first + expert] }
      passes[index].map[first + expert] = value
      passes[index].square += value * value
    }
  }

  /// A pass has ended: its map enters the store, and the passes that run learn of it.
  private mutating func record(_ index: Int) {
    passes[index].isRunning = false
    let entry = store.insert(
      map: passes[index].map, products: passes[index].products,
      embedding: passes[index].embedding, share: Float(options.distance) / Float(layers))
    for other in passes.indices where passes[other].isRunning && passes[other].layers > 0 {
      passes[other].products[entry] = store.product(
        of: passes[other].map, layers: passes[other].layers, with: entry)
    }
  }

  static let registration = RoleRegistration<any PredictionPolicy>(
    name: "expert-map",
    summary: "predicts what followed in the recorded pass most like the present one",
    parameters: [
      RoleParameter(
        "variant", .choice(Variant.allCases.map(\.rawValue)), word: Variant.paper.rawValue,
        summary: "whether the paper or the released code is followed"),
      RoleParameter(
        "distance", .count(1...1000), default: 3,
        summary: "layers from what is known to what is predicted"),
      RoleParameter(
        "capacity", .count(1...100_000), default: 1000, summary: "maps that the store holds"),
      RoleParameter(
        "unchosen", .number(0...1), default: 0.3,
        summary: "a gate's probability that falls to experts that it does not choose"),
      RoleParameter(
        "noise", .number(0...1000), default: 1,
        summary: "deviation of the embedding's noise, that of its signal being 1"),
      RoleParameter("latency", .duration(0...1), default: 0, summary: "what a search takes"),
    ]
  ) { settings in
    var options = Options()
    options.variant = settings.text("variant").flatMap(Variant.init) ?? .paper
    options.distance = settings.count("distance") ?? options.distance
    options.capacity = settings.count("capacity") ?? options.capacity
    options.unchosen = settings.number("unchosen") ?? options.unchosen
    options.noise = settings.number("noise") ?? options.noise
    options.latencySeconds = settings.number("latency") ?? options.latencySeconds
    return ExpertMapPrediction(options: options)
  }
}
