// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing

/// Turns a trace's events into sets of blocks in touch order; its buffers are used again.
struct EventSource {
  /// The event that was read last.
  private(set) var event = RoutingLayerEvent()
  /// Its distinct members in touch order.
  private(set) var members: [SetMember] = []
  /// The events that counted; kept by whoever counts.
  var countedEvents = 0

  private let layout: BlockLayout
  private let touchOrder: TouchOrder
  private let isRanked: Bool
  private var activation: LayerActivation
  private var order: [Int32] = []

  init(layout: BlockLayout, touchOrder: TouchOrder, reader: some RoutingTraceReader) {
    self.layout = layout
    self.touchOrder = touchOrder
    isRanked = reader.isRanked
    activation = LayerActivation(experts: layout.experts)
  }

  /// Reads the next event.
  ///
  /// - Returns: whether there was one.
  mutating func next(_ reader: inout some RoutingTraceReader) throws -> Bool {
    guard try reader.next(into: &event) else { return false }
    activation.reset()
    event.add(to: &activation, isRanked: isRanked)
    activation.touchOrder(touchOrder, into: &order)
    members.removeAll(keepingCapacity: true)
    let layer = event.layer
    for expert in order {
      members.append(
        SetMember(
          block: layout.block(layer: layer, expert: Int(expert)),
          weight: activation.weightPerExpert[Int(expert)]))
    }
    return true
  }

  /// Reads all that is left, and says how often and (if that is to be kept) when each block is used.
  mutating func readAhead(
    _ reader: inout some RoutingTraceReader, keepsFuture: Bool
  ) throws -> (future: RecordedNextUse?, popularity: [Double]) {
    var builder = RecordedNextUse.Builder(layout: layout)
    var popularity = [Double](repeating: 0, count: layout.count)
    while try next(&reader) {
      if keepsFuture { builder.beginEvent() }
      for member in members {
        popularity[member.block.index] += 1
        if keepsFuture { builder.add(member.block) }
      }
    }
    return (keepsFuture ? builder.build() : nil, popularity)
  }
}
