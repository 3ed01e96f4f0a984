// SPDX-License-Identifier: GPL-3.0-or-later

import Routing

/// A trace held in memory, for tests.
struct ListReader: RoutingTraceReader {
  var shape: RoutingShape
  var formatName = "list"
  var hasGateWeights = true
  var isRanked = true
  var expertBytes: [Int64]?
  var events: [RoutingLayerEvent] = []
  private var position = 0

  init(shape: RoutingShape, expertBytes: [Int64]? = nil) {
    self.shape = shape
    self.expertBytes = expertBytes
  }

  mutating func append(
    sequence: Int = 0, step: Int, layer: Int, phase: RoutingPhase = .decode, tokens: Int = 1,
    experts: [Int32], weights: [Float]
  ) {
    var event = RoutingLayerEvent()
    event.sequence = sequence
    event.step = step
    event.layer = layer
    event.phase = phase
    event.tokens = tokens
    event.experts = experts
    event.weights = weights
    events.append(event)
  }

  mutating func next(into event: inout RoutingLayerEvent) throws -> Bool {
    guard position < events.count else { return false }
    event = events[position]
    position += 1
    return true
  }

  mutating func rewind() throws { position = 0 }
}
