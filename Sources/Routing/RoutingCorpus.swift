// SPDX-License-Identifier: GPL-3.0-or-later

/// Decode choices of several sequences, held in memory for statistics and fitting.
///
/// Two bytes a choice: 162,219 tokens of 24 layers and top-4 take 31 MB.
public struct RoutingCorpus: Sendable {
  /// Layers, experts and choices per token.
  public let shape: RoutingShape
  /// [sequence][token][layer][rank], flat.
  var choices: [UInt16] = []
  /// Gate weights beside `choices`, or empty.
  var weights: [Float] = []
  /// Where each sequence begins, in tokens, and at the end the number of tokens.
  var starts: [Int] = [0]

  /// An empty corpus.
  public init(shape: RoutingShape) { self.shape = shape }

  /// Reads the decode tokens of a trace.
  ///
  /// - Parameters:
  ///   - reader: a trace whose decode events hold one token with `topK` choices.
  ///   - tokenLimit: the most tokens that are read.
  /// - Throws: what the reader throws; `RoutingTraceError` when layers are missing.
  public init(reading reader: inout some RoutingTraceReader, tokenLimit: Int = 20_000_000) throws {
    self.init(shape: reader.shape)
    var event = RoutingLayerEvent()
    var sequence = -1
    let keepsWeights = reader.hasGateWeights
    while starts.last! < tokenLimit, try reader.next(into: &event) {
      if event.phase != .decode { continue }
      if event.sequence != sequence {
        if sequence >= 0 { closeSequence() }
        sequence = event.sequence
      }
      if event.layer != nextLayer || event.experts.count != shape.topK {
        throw RoutingTraceError(
          file: reader.formatName,
          message: "sequence \(event.sequence), step \(event.step): layer \(event.layer) with"
            + " \(event.experts.count) choices; layer \(nextLayer) with \(shape.topK) is expected")
      }
      for expert in event.experts { choices.append(UInt16(truncatingIfNeeded: expert)) }
      if keepsWeights { weights.append(contentsOf: event.weights) }
    }
    if sequence >= 0 { closeSequence() }
  }

  private var nextLayer: Int { (choices.count / shape.topK) % shape.layers }

  mutating func closeSequence() {
    let tokens = choices.count / (shape.layers * shape.topK)
    if tokens > starts.last! { starts.append(tokens) }
  }

  /// The number of sequences.
  public var sequences: Int { starts.count - 1 }
  /// The number of tokens.
  public var tokens: Int { starts.last! }
  /// The number of tokens of each sequence.
  public var lengths: [Int] { zip(starts, starts.dropFirst()).map { $1 - $0 } }

  /// Every second sequence, from the first (`parity` 0) or the second (1): the half that a fit
  /// reads, and the half that judges it.
  public func half(parity: Int) -> RoutingCorpus {
    var half = RoutingCorpus(shape: shape)
    let stride = shape.layers * shape.topK
    for sequence in Swift.stride(from: parity, to: sequences, by: 2) {
      let range = starts[sequence] * stride..<starts[sequence + 1] * stride
      half.choices.append(contentsOf: choices[range])
      if !weights.isEmpty { half.weights.append(contentsOf: weights[range]) }
      half.closeSequence()
    }
    return half
  }

  /// Choices that a generator makes for sequences of the given lengths, numbered from 0.
  public init(generating generator: GeneratedRouting, lengths: [Int]) {
    self.init(shape: generator.shape)
    choices.reserveCapacity(lengths.reduce(0, +) * shape.layers * shape.topK)
    for (key, length) in lengths.enumerated() {
      let slot = generator.beginSequence(UInt64(key), promptTokens: 0, outputTokens: length)
      generator.appendDecode(slot: slot, tokens: length, to: &choices)
      generator.endSequence(slot: slot)
      closeSequence()
    }
  }
}

extension GeneratedRouting {
  /// Appends the choices of the first output tokens, [token][layer][rank].
  func appendDecode(slot: Int, tokens: Int, to choices: inout [UInt16]) {
    for position in 0..<tokens { appendRow(slot: slot, position: position, to: &choices) }
  }
}
