// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// Routing replayed from a recorded trace.
///
/// A request is paired with one recorded sequence by its number. Output tokens take the recorded
/// choices in order; where the request's output is longer than the recording, it begins again.
/// Prompt tokens take the recorded ones as far as they go; a trace without them, or with fewer,
/// has them drawn from the popularity of the sequence's own recorded tokens.
public final class TraceRouting: RoutingSource {
  /// How a trace is used.
  public struct Options: Sendable, Equatable {
    /// Which recorded sequence a request gets.
    public enum Pairing: String, Sendable, CaseIterable {
      /// Request n gets sequence n.
      case inOrder = "in_order"
      /// A sequence is drawn for each request, by its number and the seed.
      case random
    }

    /// What follows when a trace has no more sequences, or a sequence no more tokens.
    public enum WhenExhausted: String, Sendable, CaseIterable {
      /// It begins again, with a notice.
      case wrap
      /// The request is refused.
      case stop
    }

    /// Which recorded sequence a request gets.
    public var pairing: Pairing
    /// What follows when the trace runs out.
    public var whenExhausted: WhenExhausted
    /// The MoE layers that are replayed, in order; `nil` for all.
    public var layers: [Int]?

    /// Options; by default in order, wrapping, all layers.
    public init(
      pairing: Pairing = .inOrder, whenExhausted: WhenExhausted = .wrap, layers: [Int]? = nil
    ) {
      self.pairing = pairing
      self.whenExhausted = whenExhausted
      self.layers = layers
    }
  }

  private struct Slot {
    var key: SequenceKey = 0
    var sequence = 0
    var histogramSequence = -1
    /// [layer][expert]: how many of the recorded tokens chose the expert.
    var histogram: [Int32] = []
  }

  /// Layers, experts and choices per token.
  public let shape: RoutingShape
  /// Whether gate weights were recorded.
  public var hasGateWeights: Bool { records.weightKind != .none }
  /// What a reader of the results should know.
  public private(set) var notices: [String] = []

  private let records: RoutingRecords
  private let options: Options
  private let layerMap: [Int]
  private let pairing: RandomStream
  private let prompts: RandomStream
  private var slots: [Slot] = []
  private var freeSlots: [Int] = []
  private var isChecked: [Bool]
  private var hasNotedPrompt = false
  private var hasNotedLength = false
  private var hasNotedWrap = false

  /// Replays a trace.
  ///
  /// - Throws: `RoutingTraceError` when there is nothing to replay or a layer does not exist.
  public init(
    _ trace: RoutingTraceFile, options: Options = Options(), seed: UInt64, replication: UInt32 = 0
  ) throws {
    records = try trace.records()
    self.options = options
    let all = records.shape
    layerMap = options.layers ?? Array(0..<all.layers)
    if let wrong = layerMap.first(where: { $0 < 0 || $0 >= all.layers }) {
      throw RoutingTraceError(
        file: trace.path, message: "layer \(wrong) of a trace with \(all.layers) layers")
    }
    shape = RoutingShape(layers: layerMap.count, experts: all.experts, topK: all.topK)
    if records.sequences.isEmpty || layerMap.isEmpty {
      throw RoutingTraceError(file: trace.path, message: "there is nothing to replay")
    }
    if let empty = records.sequences.firstIndex(where: { $0.decode + $0.prefill == 0 }) {
      throw RoutingTraceError(file: trace.path, message: "sequence \(empty) has no tokens")
    }
    if records.droppedPromptTokens > 0 {
      notices.append(
        "\(records.droppedPromptTokens) prompt tokens of the routing trace lack choices in some layers"
          + " and were left out")
    }
    isChecked = [Bool](repeating: false, count: records.sequences.count)
    pairing = RandomStream(
      seed: seed, replication: replication, purpose: .routingPairing, entity: 0)
    prompts = RandomStream(
      seed: seed, replication: replication, purpose: .routingPrompt, entity: 0)
  }

  /// Pairs a request with a recorded sequence, which is checked at its first use.
  public func beginSequence(
    _ key: SequenceKey, promptTokens: Int, outputTokens: Int
  ) throws -> Int {
    let count = records.sequences.count
    let sequence: Int
    switch options.pairing {
    case .random:
      var stream = pairing.forEntity(key)
      sequence = stream.uniformInt(below: count)
    case .inOrder:
      if key >= UInt64(count) {
        if options.whenExhausted == .stop { throw RoutingTraceExhausted(sequences: count) }
        note(&hasNotedWrap, "the routing trace ran out after \(count) sequences and was wrapped")
      }
      sequence = Int(key % UInt64(count))
    }
    let recorded = records.sequences[sequence]
    let available = recorded.decode > 0 ? recorded.decode : recorded.prefill
    if outputTokens > available {
      if options.whenExhausted == .stop {
        throw RoutingSequenceTooShort(
          sequence: sequence, recorded: available, asked: outputTokens)
      }
      note(
        &hasNotedLength,
        "recorded sequences shorter than a request's output were begun again from their first token"
      )
    }
    if promptTokens > recorded.prefill {
      note(
        &hasNotedPrompt,
        "prompt tokens that were not recorded were drawn from their sequence's own popularity")
    }
    try check(sequence)
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
    } else {
      slot = slots.count
      slots.append(Slot())
    }
    slots[slot].key = key
    slots[slot].sequence = sequence
    return slot
  }

  /// Ends a request.
  public func endSequence(slot: Int) { freeSlots.append(slot) }

  private func note(_ hasNoted: inout Bool, _ text: String) {
    if hasNoted { return }
    hasNoted = true
    notices.append(text)
  }

  private func check(_ sequence: Int) throws {
    if isChecked[sequence] { return }
    let range = records.sequences[sequence]
    for record in range.first..<range.first + range.prefill + range.decode {
      for layer in layerMap { try records.check(record: record, layer: layer) }
    }
    isChecked[sequence] = true
  }

  /// Adds the recorded choices of one output token.
  public func addDecode(
    slot: Int, position: Int, layer: Int, to activation: inout LayerActivation
  ) {
    precondition(position >= 0)
    let range = records.sequences[slots[slot].sequence]
    // A recording of prompts alone serves as output.
    let record =
      range.decode > 0
      ? range.first + range.prefill + position % range.decode
      : range.first + position % range.prefill
    add(record, layerMap[layer], &activation)
  }

  @inline(__always)
  private func add(_ record: Int, _ layer: Int, _ activation: inout LayerActivation) {
    for rank in 0..<shape.topK {
      activation.add(
        expert: records.expert(record: record, layer: layer, rank: rank),
        weight: records.weight(record: record, layer: layer, rank: rank))
    }
    activation.tokens += 1
  }

  /// Adds recorded prompt tokens; those beyond the recording are drawn.
  public func addPrefill(
    slot: Int, position: Int, count: Int, layer: Int, to activation: inout LayerActivation
  ) {
    precondition(position >= 0 && count >= 0)
    let range = records.sequences[slots[slot].sequence]
    let recorded = max(0, min(count, range.prefill - position))
    for token in 0..<recorded {
      add(range.first + position + token, layerMap[layer], &activation)
    }
    if recorded == count { return }
    fillHistogram(slot)
    var stream = prompts.forEntity(slots[slot].key)
    stream.seek(
      block: UInt64(truncatingIfNeeded: ((position + recorded) & 0x7F_FFFF) * 4096 + layer) &<< 12)
    let start = layer * shape.experts
    PromptCounts.add(
      tokens: count - recorded, shape: shape,
      probability: { Double(self.slots[slot].histogram[start + $0]) }, from: &stream,
      to: &activation)
  }

  /// How the recorded tokens of a request's sequence share out over the experts of a layer, all of
  /// them, those still to come included.
  public func tendency(slot: Int, layer: Int, into shares: inout [Float]) {
    precondition(layer >= 0 && layer < shape.layers)
    fillHistogram(slot)
    shares.removeAll(keepingCapacity: true)
    let counts = slots[slot].histogram[layer * shape.experts..<(layer + 1) * shape.experts]
    let sum = counts.reduce(0, +)
    for count in counts { shares.append(Float(count) / Float(max(1, sum))) }
  }

  private func fillHistogram(_ slot: Int) {
    let sequence = slots[slot].sequence
    if slots[slot].histogramSequence == sequence { return }
    slots[slot].histogramSequence = sequence
    var histogram = [Int32](repeating: 0, count: shape.layers * shape.experts)
    let range = records.sequences[sequence]
    for record in range.first..<range.first + range.prefill + range.decode {
      for (index, layer) in layerMap.enumerated() {
        for rank in 0..<shape.topK {
          let expert = records.expert(record: record, layer: layer, rank: rank)
          histogram[index * shape.experts + Int(expert)] += 1
        }
      }
    }
    slots[slot].histogram = histogram
  }
}

/// A recorded sequence has fewer tokens than a request needs, and the options say to stop.
public struct RoutingSequenceTooShort: Error, Hashable, Sendable, CustomStringConvertible {
  /// The recorded sequence.
  public var sequence: Int
  /// Its tokens.
  public var recorded: Int
  /// The output tokens of the request.
  public var asked: Int

  /// What happened and what would help.
  public var description: String {
    "sequence \(sequence) of the routing trace has \(recorded) tokens, \(asked) are needed, and"
      + " `when_exhausted` is `stop`; use `wrap` to begin it again"
  }
}
