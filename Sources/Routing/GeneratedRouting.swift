// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
import RandomStreams

/// Routing drawn from fitted or published statistics; see `RoutingParameters` for the model.
///
/// What is drawn for a request depends on the seed, the replication and the request's number
/// alone: other requests, other policies and the order of the questions change nothing. Output
/// tokens are generated in order and kept until the sequence ends, one byte a choice (two above
/// 256 experts), so that any position may be asked for again or ahead of time.
///
/// - Complexity: amortised O(topK) a token and layer, a few nanoseconds a choice; a sequence's
///   tables cost O(layers × experts) at its first question.
public final class GeneratedRouting: RoutingSource {
  /// Prompt ranges up to this many tokens are generated token by token; of larger ones only the
  /// counts per expert are drawn.
  public static let largestPromptRange = 32

  /// Layers, experts and choices per token.
  public let shape: RoutingShape
  /// Gate weights are drawn from the fitted distribution.
  public var hasGateWeights: Bool { true }
  /// None: a generator does not run out.
  public var notices: [String] { [] }

  private let tables: GenerationTables
  private let seed: UInt64
  private let replication: UInt32
  private let weightStream: RandomStream
  private let countStream: RandomStream
  private var narrow: [SequenceState<UInt8>] = []
  private var wide: [SequenceState<UInt16>] = []
  private let isNarrow: Bool
  private var freeSlots: [Int] = []
  /// The gate weights of one token, a buffer.
  private let gate: UnsafeMutablePointer<Float>

  /// A generator.
  ///
  /// - Parameters:
  ///   - parameters: the statistics that choices follow.
  ///   - seed: the seed of the experiment.
  ///   - replication: the number of the replication.
  /// - Throws: `InvalidRoutingParameters` with everything that is wrong.
  public init(
    parameters: RoutingParameters, seed: UInt64, replication: UInt32 = 0
  ) throws(InvalidRoutingParameters) {
    tables = try GenerationTables(parameters)
    shape = parameters.shape
    isNarrow = parameters.shape.experts <= 256
    self.seed = seed
    self.replication = replication
    weightStream = RandomStream(
      seed: seed, replication: replication, purpose: .routingWeights, entity: 0)
    countStream = RandomStream(
      seed: seed, replication: replication, purpose: .routingPrompt, entity: 0)
    gate = .allocate(capacity: parameters.shape.topK)
  }

  deinit { gate.deallocate() }

  /// Begins a request; nothing is drawn until its routing is asked for.
  public func beginSequence(
    _ key: SequenceKey, promptTokens: Int, outputTokens: Int
  ) -> Int {
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
    } else if isNarrow {
      slot = narrow.count
      narrow.append(SequenceState(tables, seed: seed, replication: replication))
    } else {
      slot = wide.count
      wide.append(SequenceState(tables, seed: seed, replication: replication))
    }
    if isNarrow {
      narrow[slot].begin(key, outputTokens: outputTokens)
    } else {
      wide[slot].begin(key, outputTokens: outputTokens)
    }
    return slot
  }

  /// Ends a request; its memory serves the next.
  public func endSequence(slot: Int) { freeSlots.append(slot) }

  /// Adds the choices of one output token.
  public func addDecode(
    slot: Int, position: Int, layer: Int, to activation: inout LayerActivation
  ) {
    precondition(layer >= 0 && layer < shape.layers && position >= 0)
    if isNarrow {
      let state = narrow[slot]
      let choices = state.choices(position: position, layer: layer)
      add(choices, key: state.key, token: position, layer: layer, to: &activation)
    } else {
      let state = wide[slot]
      let choices = state.choices(position: position, layer: layer)
      add(choices, key: state.key, token: position, layer: layer, to: &activation)
    }
  }

  /// The experts of one output token, in order of rank, heaviest first.
  ///
  /// - Parameter experts: receives `topK` experts.
  public func decodeChoices(slot: Int, position: Int, layer: Int, into experts: inout [Int32]) {
    precondition(layer >= 0 && layer < shape.layers && position >= 0)
    experts.removeAll(keepingCapacity: true)
    for rank in 0..<shape.topK {
      if isNarrow {
        experts.append(Int32(narrow[slot].choices(position: position, layer: layer)[rank]))
      } else {
        experts.append(Int32(wide[slot].choices(position: position, layer: layer)[rank]))
      }
    }
  }

  /// The gate weights of one output token, in order of rank, heaviest first; they sum to one.
  ///
  /// - Parameter weights: receives `topK` weights.
  public func decodeWeights(slot: Int, position: Int, layer: Int, into weights: inout [Float]) {
    precondition(layer >= 0 && layer < shape.layers && position >= 0)
    let key = isNarrow ? narrow[slot].key : wide[slot].key
    drawGate(key: key, token: position, layer: layer)
    weights.removeAll(keepingCapacity: true)
    weights.append(contentsOf: UnsafeBufferPointer(start: gate, count: shape.topK))
  }

  /// Appends the choices of one output token in all layers, [layer][rank].
  func appendRow(slot: Int, position: Int, to choices: inout [UInt16]) {
    let count = shape.layers * shape.topK
    if isNarrow {
      let row = narrow[slot].choices(position: position, layer: 0)
      for index in 0..<count { choices.append(UInt16(row[index])) }
    } else {
      let row = wide[slot].choices(position: position, layer: 0)
      for index in 0..<count { choices.append(row[index]) }
    }
  }

  /// Adds the choices of prompt tokens; see `largestPromptRange`.
  public func addPrefill(
    slot: Int, position: Int, count: Int, layer: Int, to activation: inout LayerActivation
  ) {
    precondition(layer >= 0 && layer < shape.layers && position >= 0 && count >= 0)
    if isNarrow {
      addPrefill(narrow[slot], position, count, layer, &activation)
    } else {
      addPrefill(wide[slot], position, count, layer, &activation)
    }
  }

  /// How a request's tokens share out over the experts of a layer: the model's popularity as this
  /// request perturbs it, choices that follow the layer before included.
  public func tendency(slot: Int, layer: Int, into shares: inout [Float]) {
    precondition(layer >= 0 && layer < shape.layers)
    let probabilities =
      isNarrow
      ? narrow[slot].inclusionProbabilities(layer: layer)
      : wide[slot].inclusionProbabilities(layer: layer)
    shares.removeAll(keepingCapacity: true)
    var sum: Float = 0
    for expert in 0..<shape.experts { sum += probabilities[expert] }
    for expert in 0..<shape.experts { shares.append(probabilities[expert] / sum) }
  }

  private func addPrefill<Expert: FixedWidthInteger & UnsignedInteger>(
    _ state: SequenceState<Expert>, _ position: Int, _ count: Int, _ layer: Int,
    _ activation: inout LayerActivation
  ) {
    if count == 0 { return }
    if count <= Self.largestPromptRange {
      let rows = state.promptChoices(position..<position + count)
      for token in 0..<count {
        let choices = rows + (token * shape.layers + layer) * shape.topK
        // Prompt tokens have weights of their own: their numbers count down from the end.
        add(
          choices, key: state.key, token: (1 << 26) - 1 - (position + token) % (1 << 25),
          layer: layer, to: &activation)
      }
      return
    }
    var stream = countStream.forEntity(state.key)
    // The upper half of the blocks is left free by the token-wise draws of the same purpose.
    let place = UInt64(truncatingIfNeeded: (position & 0x7F_FFFF) * 4096 + layer)
    stream.seek(block: 1 &<< 47 | place &<< 12)
    let probabilities = state.inclusionProbabilities(layer: layer)
    PromptCounts.add(
      tokens: count, shape: shape, probability: { Double(probabilities[$0]) }, from: &stream,
      to: &activation)
  }

  /// Adds one token's choices with gate weights: sorted gamma draws, normalised.
  @inline(__always)
  private func add<Expert: FixedWidthInteger & UnsignedInteger>(
    _ choices: UnsafePointer<Expert>, key: SequenceKey, token: Int, layer: Int,
    to activation: inout LayerActivation
  ) {
    let topK = shape.topK
    drawGate(key: key, token: token, layer: layer)
    for rank in 0..<topK {
      activation.add(expert: Int32(truncatingIfNeeded: choices[rank]), weight: gate[rank])
    }
    activation.tokens += 1
  }

  private func drawGate(key: SequenceKey, token: Int, layer: Int) {
    let topK = shape.topK
    let stream = weightStream.forEntity(key)
    // 27 bits of token, 12 of layer, 5 of block: 16 draws of 8 bits each in a block.
    var block =
      UInt64(truncatingIfNeeded: token & 0x7FF_FFFF) &<< 17
      | UInt64(truncatingIfNeeded: layer) &<< 5
    let table = tables.gates + tables.gateTable[layer] &* GenerationTables.quantiles
    let gate = self.gate
    var words = stream.words(ofBlock: block)
    var sum: Float = 0
    for rank in 0..<topK {
      if rank & 3 == 0 && rank > 0 {
        (words.0, words.1, words.2) = (words.1, words.2, words.3)
        if rank & 15 == 0 {
          block &+= 1
          words = stream.words(ofBlock: block)
        }
      }
      let value = table[Int(words.0 & 0xFF)]
      words.0 &>>= 8
      sum += value
      var hole = rank
      while hole > 0 && gate[hole &- 1] < value {
        gate[hole] = gate[hole &- 1]
        hole &-= 1
      }
      gate[hole] = value
    }
    let scale = 1 / sum
    for rank in 0..<topK { gate[rank] *= scale }
  }
}
