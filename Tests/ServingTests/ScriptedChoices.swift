// SPDX-License-Identifier: GPL-3.0-or-later

import Routing
import Synchronization

@testable import Serving

/// A generator of random numbers that the tests own (Steele, Lea and Flood, "Fast splittable
/// pseudorandom number generators", OOPSLA 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}

extension ScriptedRouting {
  /// Activations by a table of (position, layer), the same for all requests; the heaviest expert of
  /// each entry first. A prompt's tokens all choose as `prompt` says.
  init(
    shape: RoutingShape, prompt: [[Int]], decode: [[[Int]]]
  ) {
    self.init(shape: shape)
    choose = { _, _, position, layer in
      position >= 100_000 ? prompt[layer] : decode[position % decode.count][layer]
    }
  }
}

/// Which tokens were computed in which layer, as the routing was asked for them.
final class TokenLedger: Sendable {
  private let counts = Mutex<[UInt64: Int]>([:])

  /// A token of a sequence in a layer; prompt tokens by their position, output tokens from 2³⁰ on.
  func note(sequence: UInt64, position: Int, layer: Int) {
    let key = sequence << 44 | UInt64(position) << 12 | UInt64(layer)
    counts.withLock { $0[key, default: 0] += 1 }
  }

  /// How often a token was computed.
  func count(sequence: UInt64, position: Int, layer: Int) -> Int {
    let key = sequence << 44 | UInt64(position) << 12 | UInt64(layer)
    return counts.withLock { $0[key] ?? 0 }
  }

  /// Computations in all.
  var total: Int { counts.withLock { $0.values.reduce(0, +) } }
}

/// A routing that enters each token into a ledger.
struct LedgerRouting: RoutingSource {
  private var base: ScriptedRouting
  private let ledger: TokenLedger
  private var keys: [Int: SequenceKey] = [:]

  init(_ base: ScriptedRouting, ledger: TokenLedger) {
    self.base = base
    self.ledger = ledger
  }

  var shape: RoutingShape { base.shape }
  var hasGateWeights: Bool { true }
  var notices: [String] { [] }
  mutating func beginSequence(
    _ key: SequenceKey, promptTokens: Int, outputTokens: Int
  ) throws -> Int {
    let slot = try base.beginSequence(
      key, promptTokens: promptTokens, outputTokens: outputTokens)
    keys[slot] = key
    return slot
  }
  mutating func endSequence(slot: Int) { base.endSequence(slot: slot) }
  mutating func addDecode(
    slot: Int, position: Int, layer: Int, to activation: inout LayerActivation
  ) {
    ledger.note(sequence: keys[slot]!, position: 1 << 30 | position, layer: layer)
    base.addDecode(slot: slot, position: position, layer: layer, to: &activation)
  }
  mutating func addPrefill(
    slot: Int, position: Int, count: Int, layer: Int, to activation: inout LayerActivation
  ) {
    for token in position..<position + count {
      ledger.note(sequence: keys[slot]!, position: token, layer: layer)
    }
    base.addPrefill(slot: slot, position: position, count: count, layer: layer, to: &activation)
  }
}
