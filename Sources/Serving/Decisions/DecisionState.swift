// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// What a run keeps that records its decisions: the sink, and the slots of the expert cache.
struct DecisionState {
  var sink: any DecisionSink
  private var slots: SlotTable
  private var places: [Int32] = []

  /// Begins a log with what the cache holds.
  init(sink: any DecisionSink, tier: borrowing ResidencyView) {
    self.sink = sink
    slots = SlotTable(tier)
    var content: [Decision.Place] = []
    for index in 0..<tier.blockCount where tier.isPresent(BlockID(index)) {
      let block = BlockID(index)
      let slot = slots.assign(block, pool: tier.pool(of: block))
      content.append(.init(block: block, slot: slot))
    }
    self.sink.begin(layout: tier.layout, content: content, slots: slots.counts)
  }

  mutating func take(_ event: Decision.Event, at now: UInt64) {
    sink.take(Decision(nanoseconds: now, event))
  }

  /// The slot of a block; -1 where it has none.
  func slot(of block: BlockID) -> Int { slots[block] }

  /// Frees the slots of blocks that lost their room.
  mutating func evict(_ blocks: [BlockID], view: borrowing ResidencyView) -> [Decision.Place] {
    var result: [Decision.Place] = []
    for block in blocks {
      result.append(.init(block: block, slot: slots.free(block, pool: view.pool(of: block))))
    }
    return result
  }

  /// Gives a block its slot.
  mutating func assign(_ block: BlockID, view: borrowing ResidencyView) -> Int {
    slots.assign(block, pool: view.pool(of: block))
  }

  /// Takes up an access.
  mutating func access(
    _ members: [SetMember], evicted: [BlockID], view: borrowing ResidencyView
  ) -> [Decision.Place] {
    slots.access(members, evicted: evicted, view: view, into: &places)
    return zip(evicted, places).map { .init(block: $0, slot: Int($1)) }
  }
}

extension ServingEngine {
  /// Records that a step begins, with what its sequences contribute.
  mutating func recordStep(now: UInt64) {
    var sequences: [Decision.Sequence] = []
    for entry in batch.entries {
      let beams = entry.isPrefill ? 1 : configuration.limits.beams
      sequences.append(
        .init(
          request: batch[entry.sequence].request.number, position: Int(entry.position),
          tokens: Int(entry.tokens) * beams, outputs: entry.outputs.count * beams))
    }
    let tokens = sequences.reduce(0) { $0 + $1.tokens }
    decisions!.take(
      .step(.init(number: Int(stepNumber), tokens: tokens, sequences: sequences)), at: now)
  }

  /// Records an access that has been judged, and the members that are computed elsewhere.
  mutating func recordAccess(
    of members: [SetMember], mixture: Int, withRemote: Bool, now: UInt64
  ) {
    let evicted = decisions!.access(members, evicted: access.evicted, view: tier.view)
    var list: [Decision.Member] = []
    for (place, member) in members.enumerated() {
      let expert = tier.layout.expert(of: member.block)
      let isTransient =
        bufferedCopies != nil && transientPlaces.contains(Int32(place))
      let found: Decision.Found =
        switch access.outcomes[place] {
        case .hit: .hit
        case .late: .late
        case .fetched: .miss
        case .streamed: .streamed
        }
      list.append(
        .init(
          block: member.block, tokens: Int(activation.tokensPerExpert[expert]),
          weight: member.weight, found: found,
          slot: isTransient ? -1 : slot(of: member.block, evicted: evicted)))
    }
    if withRemote {
      for member in layerSet.members where member.isRemote {
        list.append(
          .init(
            block: member.block, tokens: Int(member.tokens),
            weight: activation.weightPerExpert[Int(member.expert)], found: .host, slot: -1))
      }
    }
    decisions!.take(
      .access(.init(layer: mixture, members: list, evicted: evicted)), at: now)
  }

  /// Where a member lies: in its slot, or in the one that it has just lost.
  private func slot(of block: BlockID, evicted: [Decision.Place]) -> Int {
    let own = decisions!.slot(of: block)
    return own >= 0 ? own : evicted.first { $0.block == block }.map { Int($0.slot) } ?? -1
  }

  /// Records that the fetch of a block ahead of its use begins.
  mutating func recordPrefetch(_ block: BlockID, now: UInt64) {
    let isBuffered = bufferedCopies != nil
    let evicted = isBuffered ? [] : decisions!.evict(evictedBlocks, view: tier.view)
    let slot = isBuffered ? -1 : decisions!.assign(block, view: tier.view)
    decisions!.take(
      .prefetch(.init(place: .init(block: block, slot: slot), evicted: evicted)), at: now)
  }

  /// Records what a layer's gate has overtaken.
  mutating func recordOvertaken(mixture: Int, now: UInt64) {
    let layout = tier.layout
    for block in ahead.queues.flatMap({
      $0.waiting(layer: mixture, layerOf: { layout.layer(of: $0) })
    }) {
      decisions!.take(.dropped(block, .overtaken), at: now)
    }
  }
}
