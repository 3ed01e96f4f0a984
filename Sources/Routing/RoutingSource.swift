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

  /// What a reader of the results should know, e.g. that the trace ran out and was wrapped.
  var notices: [String] { get }
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
