// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing

/// What Belady's rule knows in an engine: the future activations of the sequences that run.
///
/// The routing of a sequence does not depend on time, so its future can be drawn ahead from a second
/// copy of the source. What requests that have not begun will need is not known, nor the order in
/// which batches will form: the rule is exact for one sequence at a time and an approximation of the
/// bound for batches. Shared by the engine, which tells it of sequences and steps, and the rule.
final class LookAhead: @unchecked Sendable {
  // One engine and its rule share a value, on one thread; that is what makes this sendable.

  /// The future of one sequence: for each block its output positions, ascending.
  private struct Future {
    var slot: Int
    /// The start of each block's positions in `positions`, and the end of the last.
    var starts: [Int32]
    var positions: [Int32]
    /// The output position that the sequence computes in the step under way.
    var position: Int32
  }

  private var source: any RoutingSource
  private let layout: BlockLayout
  /// MoE layers of an encoder, which no output token passes.
  private let encoderLayers: Int
  /// Whether the decoder's first input is the start of the output.
  private let hasEncoder: Bool
  private let beams: Int
  private var futures: [UInt64: Future] = [:]
  /// The numbers of the running requests, in order of their beginning.
  private var order: [UInt64] = []
  /// Changes whenever a sequence begins or ends.
  fileprivate private(set) var generation: UInt64 = 0
  /// The MoE layer whose set is the present event.
  fileprivate var presentLayer = -1

  init(
    source: any RoutingSource, layout: BlockLayout, encoderLayers: Int = 0,
    hasEncoder: Bool = false, beams: Int = 1
  ) {
    self.encoderLayers = encoderLayers
    self.hasEncoder = hasEncoder
    self.beams = beams
    self.source = source
    self.layout = layout
  }

  /// A request begins: its future is drawn.
  func begin(_ number: UInt64, promptTokens: Int, outputTokens: Int) throws {
    let slot = try source.beginSequence(
      number, promptTokens: promptTokens, outputTokens: outputTokens * beams)
    var uses: [[Int32]] = Array(repeating: [], count: layout.expertBlockCount)
    var activation = LayerActivation(experts: layout.experts)
    for position in 0..<max(0, hasEncoder ? outputTokens : outputTokens - 1) {
      for layer in encoderLayers..<layout.layers {
        activation.reset()
        // As the engine draws them (`ServingEngine.routingPosition`).
        for beam in 0..<(hasEncoder && position == 0 ? 1 : beams) {
          source.addDecode(
            slot: slot, position: position * beams + beam, layer: layer, to: &activation)
        }
        for expert in activation.distinct {
          uses[layout.block(layer: layer, expert: Int(expert)).index].append(Int32(position))
        }
      }
    }
    source.endSequence(slot: slot)
    var starts: [Int32] = [0]
    var positions: [Int32] = []
    for list in uses {
      positions.append(contentsOf: list)
      starts.append(Int32(positions.count))
    }
    futures[number] = Future(slot: slot, starts: starts, positions: positions, position: -1)
    order.append(number)
    generation += 1
  }

  /// A request has ended.
  func end(_ number: UInt64) {
    futures[number] = nil
    order.removeAll { $0 == number }
    generation += 1
  }

  /// A step computes the given output position of a request; -1 while its prompt is computed.
  func advance(_ number: UInt64, to position: Int) {
    futures[number]?.position = Int32(position)
  }

  /// The gate of a layer is about to be judged; -1 when a step begins, all of whose layers are yet
  /// to come.
  func reach(layer: Int) { presentLayer = layer }

  /// Events until the next use of a block, one event for each layer of each step.
  ///
  /// - Complexity: O(running sequences × log of their length).
  fileprivate func distance(to block: BlockID) -> UInt64 {
    guard block.index < layout.expertBlockCount else { return .max }
    let layer = layout.layer(of: block)
    // Uses are of experts, whatever the version.
    let place = block.index % (layout.layers * layout.experts)
    var nearest = Int.max
    for number in order {
      guard let future = futures[number] else { continue }
      // In the step under way only layers still to come count.
      let first = Int(future.position) + (layer > presentLayer ? 0 : 1)
      var low = Int(future.starts[place])
      var high = Int(future.starts[place + 1])
      let end = high
      while low < high {
        let middle = (low + high) / 2
        if Int(future.positions[middle]) < first { low = middle + 1 } else { high = middle }
      }
      guard low < end else { continue }
      nearest = min(nearest, Int(future.positions[low]) - Int(future.position))
    }
    guard nearest < .max else { return .max }
    let perStep = layout.layers - encoderLayers
    return UInt64(nearest * perStep + layer - max(presentLayer, encoderLayers - 1))
  }
}

/// The oracle that an engine gives to Belady's rule.
struct LookAheadOracle: NextUseOracle {
  let lookAhead: LookAhead
  private var events: UInt64 = 0
  /// The state of the look-ahead's sequences that this rule has seen; each tier's rule has its own.
  private var seen: UInt64 = 0

  init(_ lookAhead: LookAhead) { self.lookAhead = lookAhead }

  mutating func eventBegan() { events += 1 }
  mutating func nextUse(of block: BlockID) -> UInt64 {
    let distance = lookAhead.distance(to: block)
    return distance == .max ? .max : events + distance
  }
  mutating func takeChange() -> Bool {
    defer { seen = lookAhead.generation }
    return seen != lookAhead.generation
  }
}

extension LookAhead {
  /// How often each block is used by the tokens of a few sequences that no request has: what a
  /// static placement is made from. An encoder's experts serve a prompt once, whatever its length:
  /// they count as one token's.
  static func popularity(
    of source: any RoutingSource, layout: BlockLayout, encoderLayers: Int = 0, sequences: Int = 16,
    tokens: Int = 64
  ) throws -> [Double] {
    var source = source
    var uses = [Double](repeating: 0, count: layout.count)
    var activation = LayerActivation(experts: layout.experts)
    for sequence in 0..<sequences {
      let slot = try beginSample(sequence, tokens: tokens, of: &source)
      for position in 0..<tokens {
        for layer in 0..<layout.layers {
          activation.reset()
          source.addDecode(slot: slot, position: position, layer: layer, to: &activation)
          for expert in activation.distinct {
            uses[layout.block(layer: layer, expert: Int(expert)).index] +=
              layer < encoderLayers ? 1 / Double(tokens) : 1
          }
        }
      }
      source.endSequence(slot: slot)
    }
    return uses
  }

  /// Begins a sequence that no request has; of a recording that is not to be wrapped, one that some
  /// request may have.
  private static func beginSample(
    _ number: Int, tokens: Int, of source: inout any RoutingSource
  ) throws -> Int {
    do {
      return try source.beginSequence(
        UInt64(1) << 40 | UInt64(number), promptTokens: 1, outputTokens: tokens + 1)
    } catch let error as RoutingTraceExhausted {
      return try source.beginSequence(
        UInt64(number % error.sequences), promptTokens: 0, outputTokens: 1)
    }
  }
}
