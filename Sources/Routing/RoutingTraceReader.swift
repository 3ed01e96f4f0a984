// SPDX-License-Identifier: GPL-3.0-or-later

/// One access of a recorded trace: what one layer chose in one forward pass of one sequence.
///
/// A buffer to be reused. For prefill the event is the layer's whole batch, flat by token and
/// rank, in the order of the record; for decode it is one token.
public struct RoutingLayerEvent: Sendable {
  /// The recorded sequence, from 0. Where a cache is reset by request, it is when this changes.
  public var sequence: Int = 0
  /// The forward pass within the sequence, from 0.
  public var step: Int = 0
  /// Whether prompt tokens or an output token.
  public var phase: RoutingPhase = .decode
  /// The MoE layer, from 0.
  public var layer: Int = 0
  /// The tokens of the pass.
  public var tokens: Int = 0
  /// The chosen experts, `tokens` groups of equal size, each in order of rank where
  /// the reader `isRanked`. In a trace of sets the one group may be of any size.
  public var experts: [Int32] = []
  /// The gate weights, one beside each of `experts`, or empty when none were recorded.
  public var weights: [Float] = []
  /// Whether each of `experts` was resident when it was asked for (1) or not (0), or empty.
  public var recordedResidency: [UInt8] = []
  /// The bytes that the recorded run read for each of `experts`, or empty.
  public var recordedBytes: [Int64] = []

  /// An empty event.
  public init() {}

  /// Empties the event's arrays and keeps their memory.
  public mutating func removeAll() {
    experts.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
    recordedResidency.removeAll(keepingCapacity: true)
    recordedBytes.removeAll(keepingCapacity: true)
  }

  /// Adds the event to an activation, and counts its tokens.
  ///
  /// Where no gate weights were recorded but choices are in order of rank, the weight of rank r
  /// of k is 2 (k − r) / (k (k + 1)): it falls with rank and sums to one for each token. Where
  /// not even ranks are known, each choice weighs 1/k.
  public func add(to activation: inout LayerActivation, isRanked: Bool) {
    let perToken = tokens > 0 ? experts.count / tokens : experts.count
    var rank = 0
    for (index, expert) in experts.enumerated() {
      let weight: Float
      if !weights.isEmpty {
        weight = weights[index]
      } else if isRanked {
        weight = rankWeight(rank: rank, of: perToken)
      } else {
        weight = 1 / Float(perToken)
      }
      activation.add(expert: expert, weight: weight)
      rank += 1
      if rank == perToken { rank = 0 }
    }
    activation.tokens += tokens
  }
}

/// The stand-in for the gate weight of rank `rank` (from 0, heaviest first) among `count`.
@inlinable
public func rankWeight(rank: Int, of count: Int) -> Float {
  2 * Float(count - rank) / Float(count * (count + 1))
}

/// A recorded trace as a stream of layer events, never held whole.
///
/// Events come sequence by sequence and step by step; within a step by ascending layer.
public protocol RoutingTraceReader {
  /// Layers, experts and choices per token. In a trace of sets, `topK` is the largest set.
  var shape: RoutingShape { get }
  /// The format's name as `--routing-format` takes it.
  var formatName: String { get }
  /// Whether events carry gate weights.
  var hasGateWeights: Bool { get }
  /// Whether the choices of a token stand in order of rank, heaviest first.
  var isRanked: Bool { get }
  /// The bytes of one expert in each layer, where the trace says so.
  var expertBytes: [Int64]? { get }

  /// Reads the next event into a buffer.
  ///
  /// - Returns: `false` at the end of the trace; the buffer is then unchanged or empty.
  /// - Throws: `RoutingTraceError` with the place of what is wrong.
  mutating func next(into event: inout RoutingLayerEvent) throws -> Bool

  /// Goes back to the first event.
  mutating func rewind() throws
}

/// Something wrong in a routing trace, and where.
public struct RoutingTraceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where in a file something stands.
  public enum Place: Hashable, Sendable {
    /// In the file as a whole.
    case file
    /// On a line, from 1.
    case line(Int)
    /// At a byte, from 0.
    case byte(Int)
  }

  /// The file's path.
  public var file: String
  /// The place in it.
  public var place: Place
  /// What was found and what would be right.
  public var message: String

  /// An error at a place.
  public init(file: String, place: Place = .file, message: String) {
    self.file = file
    self.place = place
    self.message = message
  }

  /// For example "a.csv:12: expert 40; a number below 32 is expected".
  public var description: String {
    switch place {
    case .file: "\(file): \(message)"
    case .line(let line): "\(file):\(line): \(message)"
    case .byte(let byte): "\(file): byte \(byte): \(message)"
    }
  }
}
