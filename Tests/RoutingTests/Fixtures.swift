// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import RandomStreams
import TestSupport

@testable import Routing

/// Draws of tests.
func testStream(_ seed: UInt64, _ entity: UInt64 = 0) -> RandomStream {
  RandomStream(seed: seed, replication: 0, purpose: .testing, entity: entity)
}

/// A made-up trace of a shape, as events.
func makeEvents(_ shape: RoutingShape, seed: UInt64, hasWeights: Bool) -> [RoutingLayerEvent] {
  var stream = testStream(seed)
  var events: [RoutingLayerEvent] = []
  for sequence in 0..<3 {
    let hasPrompt = sequence != 1
    for step in 0..<4 {
      let isPrompt = hasPrompt && step == 0
      let tokens = isPrompt ? 2 + sequence : 1
      for layer in 0..<shape.layers {
        var event = RoutingLayerEvent()
        event.sequence = sequence
        event.step = step
        event.phase = isPrompt ? .prefill : .decode
        event.layer = layer
        event.tokens = tokens
        for _ in 0..<tokens {
          var chosen: [Int32] = []
          while chosen.count < shape.topK {
            let expert = Int32(stream.uniformInt(below: shape.experts))
            if !chosen.contains(expert) { chosen.append(expert) }
          }
          event.experts += chosen
          if hasWeights { event.weights += chosen.map { _ in Float(stream.uniform()) } }
        }
        events.append(event)
      }
    }
  }
  return events
}

/// The bytes of a trace in the project's format.
func makeTrace(_ shape: RoutingShape, seed: UInt64, weights: RoutingTraceWriter.Weights) throws
  -> [UInt8]
{
  let writer = try RoutingTraceWriter(
    path: nil, shape: shape, weights: weights, isRanked: true,
    expertBytes: (0..<shape.layers).map { 1000 + Int64($0) }, origin: "a test")
  for event in makeEvents(shape, seed: seed, hasWeights: weights != .none) {
    try writer.append(event)
  }
  return try writer.finish()
}

/// All events of a trace.
func readAll(_ trace: RoutingTraceFile) throws -> [RoutingLayerEvent] {
  var reader = try trace.reader()
  var events: [RoutingLayerEvent] = []
  var event = RoutingLayerEvent()
  while try reader.next(into: &event) { events.append(event) }
  return events
}

/// The recorded trace of gpt-oss-20b.
func openGptOss() throws -> RoutingTraceFile {
  try RoutingTraceFile(
    path: SharedData.path("gptoss20b_routing/decode_topk_norepeat.bin") ?? "absent",
    options: .init(shape: RoutingShape(layers: 24, experts: 32, topK: 4)))
}

/// Hits and accesses of a plain LRU cache of atomic sets, written without the module's own code:
/// residents by the time of last touch; a set's members are never evicted by it.
func naiveLRU(
  _ sets: [(key: Int, members: [Int], resets: Bool)], capacity: Int
) -> (hits: Int, accesses: Int) {
  var lastTouch: [Int: [Int: Int]] = [:]
  var time = 0
  var hits = 0
  var accesses = 0
  for set in sets {
    if set.resets { lastTouch.removeAll() }
    var cache = lastTouch[set.key] ?? [:]
    accesses += set.members.count
    hits += set.members.count { cache[$0] != nil }
    for member in set.members {
      time += 1
      cache[member] = time
    }
    while cache.count > capacity {
      let oldest = cache.min { $0.value < $1.value }!
      cache[oldest.key] = nil
    }
    lastTouch[set.key] = cache
  }
  return (hits, accesses)
}
