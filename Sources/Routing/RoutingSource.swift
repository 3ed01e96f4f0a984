// SPDX-License-Identifier: GPL-3.0-or-later

/// A source of activations for the running sequences of an engine.
///
/// Two kinds exist: `TraceRouting` replays recorded traces, `GeneratedRouting` draws from fitted
/// statistics. Positions of a sequence can be asked for in any order, and ahead of time, so that
/// an oracle may look ahead; asking twice gives the same answer. One value serves one simulation.
public protocol RoutingSource {
  /// Layers, experts and choices per token.
  var shape: RoutingShape { get }

  /// Whether gate weights were recorded or fitted. Without them weights still fall with the rank
  /// of the choice, so that the order of touch is right where the ranks are known.
  var hasGateWeights: Bool { get }

  /// Begins a request.
  ///
  /// - Parameters:
  ///   - key: the request's number, which alone decides what is drawn for it.
  ///   - promptTokens: prompt tokens of the request.
  ///   - outputTokens: output tokens, as far as is known; more may be asked for.
  /// - Returns: the slot by which the request is named until it ends; slots are used again.
  /// - Throws: `RoutingTraceExhausted` when a trace has no further sequence and is not to wrap.
  mutating func beginSequence(
    _ key: SequenceKey, promptTokens: Int, outputTokens: Int
  ) throws -> Int

  /// Ends a request and recycles its slot.
  mutating func endSequence(slot: Int)

  /// Adds the choices of one output token, and counts the token.
  ///
  /// - Parameters:
  ///   - position: the number of the output token, from 0.
  ///   - layer: the MoE layer, from 0.
  mutating func addDecode(
    slot: Int, position: Int, layer: Int, to activation: inout LayerActivation)

  /// Adds the choices of the prompt tokens `position ..< position + count`, and counts them.
  ///
  /// For many tokens the counts per expert may be drawn directly; what one call of a given range
  /// adds is then the same at every call, but two half ranges need not sum to the whole.
  mutating func addPrefill(
    slot: Int, position: Int, count: Int, layer: Int, to activation: inout LayerActivation)

  /// How a request's tokens share out over the experts of a layer, as far as the source knows it
  /// beforehand; the shares sum to 1.
  ///
  /// What a text reveals of itself, put in terms of experts: the proxy for what predictors of real
  /// systems read from embeddings and from gates' probabilities. It tells of the request as a whole,
  /// not of a single token.
  ///
  /// - Parameter shares: receives one share for each expert, or nothing where none is known.
  mutating func tendency(slot: Int, layer: Int, into shares: inout [Float])

  /// What a reader of the results should know, e.g. that the trace ran out and was wrapped.
  var notices: [String] { get }
}

extension RoutingSource {
  /// Knows none.
  public mutating func tendency(slot: Int, layer: Int, into shares: inout [Float]) {
    shares.removeAll(keepingCapacity: true)
  }

  /// The expert that the first tokens of a request's prompt use most in the first layer: by what
  /// requests can be told apart that will use the same experts.
  ///
  /// The request is begun and ended again, so a source that serves an engine needs a copy for this.
  ///
  /// - Throws: what `beginSequence` throws.
  public mutating func leadingExpert(
    of key: SequenceKey, promptTokens: Int, using activation: inout LayerActivation
  ) throws -> Int32 {
    let slot = try beginSequence(key, promptTokens: promptTokens, outputTokens: 1)
    defer { endSequence(slot: slot) }
    activation.reset()
    if promptTokens > 0 {
      addPrefill(
        slot: slot, position: 0, count: min(promptTokens, GeneratedRouting.largestPromptRange),
        layer: 0, to: &activation)
    } else {
      addDecode(slot: slot, position: 0, layer: 0, to: &activation)
    }
    var leader: Int32 = -1
    for expert in activation.distinct {
      guard leader >= 0 else {
        leader = expert
        continue
      }
      let (weight, best) = (
        activation.weightPerExpert[Int(expert)], activation.weightPerExpert[Int(leader)]
      )
      if weight > best || (weight == best && expert < leader) { leader = expert }
    }
    return leader
  }
}

/// A trace has no further sequence for a request, and its options say to stop.
public struct RoutingTraceExhausted: Error, Hashable, Sendable, CustomStringConvertible {
  /// The recorded sequences, all of which have been used.
  public var sequences: Int

  /// The error for a trace of the given number of sequences.
  public init(sequences: Int) { self.sequences = sequences }

  /// What happened and what would help.
  public var description: String {
    "the routing trace ran out: all of its \(sequences) sequences are used, and"
      + " `when_exhausted` is `stop`; use `wrap` to begin again"
  }
}
