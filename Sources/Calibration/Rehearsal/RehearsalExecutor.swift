// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries
import Policies
import Residency

/// Computes a model's steps for real, layer by layer, with its experts read into a cache as a
/// director decides.
public final class RehearsalExecutor {
  let model: RehearsalModel
  let settings: RehearsalSettings
  let file: ExpertFile
  let memory: RehearsalMemory
  let reads: RehearsalReads
  /// What computes products.
  public let products: RehearsalProducts
  let layout: BlockLayout
  private let schedule: any SchedulePolicy
  let work: RehearsalWork
  private var sequenceSlots: [UInt64: Int] = [:]
  private let sequences: Int

  // The run under way.
  var record = RehearsalRecord()
  private var origin = 0.0
  private var free: [Int] = []
  private var step = RehearsalRecord.Step(
    number: 0, tokens: 0, isDecode: false, start: 0, end: 0)

  /// Sets up an execution: takes all memory, fills weights.
  ///
  /// - Parameters:
  ///   - model: The shapes.
  ///   - layout: The blocks.
  ///   - slots: Slots of the cache.
  ///   - file: The experts, written beforehand.
  ///   - limits: Sequences at once, tokens of the longest, rows of the largest step.
  ///   - schedule: When experts are computed.
  public init(
    _ model: RehearsalModel, layout: BlockLayout, slots: Int, file: ExpertFile,
    limits: (sequences: Int, tokens: Int, rows: Int), schedule: any SchedulePolicy,
    settings: RehearsalSettings
  ) throws {
    self.model = model
    self.settings = settings
    self.file = file
    self.layout = layout
    self.schedule = schedule
    sequences = limits.sequences
    products = try RehearsalProducts(
      threads: settings.computeThreads, plain: settings.plainProducts)
    memory = try RehearsalMemory(
      model, slots: slots, buffers: max(1, settings.buffers), sequences: limits.sequences,
      tokens: limits.tokens)
    reads = try RehearsalReads(file, settings: settings)
    work = try RehearsalWork(
      model, memory: memory, products: products, rows: limits.rows, tokens: limits.tokens)
  }

  private func now() -> Double { ccl_now() - origin }

  /// Runs what a director decides to its end.
  ///
  /// - Returns: What was done.
  public func run(_ director: inout any RehearsalDirector) throws -> RehearsalRecord {
    record = RehearsalRecord()
    sequenceSlots = [:]
    free = Array((memory.slots..<memory.slots + memory.buffers).reversed())
    reads.setPace(nil)
    for place in director.content {
      reads.begin(
        place.block, into: memory.slot(Int(place.slot)), place: Int(place.slot), urgent: true)
      _ = try reads.wait(place.block)
    }
    reads.setPace(settings.pace)
    origin = ccl_now()
    while let next = try director.nextStep() {
      try run(next.step, ahead: next.ahead, director: &director)
    }
    for block in reads.blocks { try finish(block) }
    return record
  }

  private func run(
    _ step: Decision.Step, ahead: [Decision.Prefetch], director: inout any RehearsalDirector
  ) throws {
    self.step = RehearsalRecord.Step(
      number: step.number, tokens: step.tokens,
      isDecode: step.sequences.allSatisfy { $0.tokens == $0.outputs }, start: now(), end: 0)
    try begin(ahead)
    place(step.sequences)
    timed(.other, "embedding", -1) { work.embed(rows: step.tokens) }
    for index in model.layers.indices {
      timed(.attention, "attention", index) { work.attention(index, sequences: slotted(step)) }
      let layer = model.layers[index]
      if layer.denseWidth > 0 {
        timed(.dense, "dense feed-forward", index) { work.dense(index, rows: step.tokens) }
      }
      guard layer.mixture >= 0 else { continue }
      timed(.gate, "gate", index) { work.gate(index, rows: step.tokens) }
      let decided = try director.access(layer: layer.mixture)
      try compute(decided.access, ahead: decided.ahead, layer: index, rows: step.tokens)
      director.computed(layer: layer.mixture)
    }
    timed(.head, "head", -1) { work.head(rows: step.sequences.count) }
    self.step.end = now()
    record.steps.append(self.step)
  }

  /// Gives new sequences a place in the KV cache; those that no step names any more lose theirs.
  private func place(_ list: [Decision.Sequence]) {
    for key in sequenceSlots.keys where !list.contains(where: { $0.request == key }) {
      sequenceSlots[key] = nil
    }
    for sequence in list where sequenceSlots[sequence.request] == nil {
      let used = Set(sequenceSlots.values)
      sequenceSlots[sequence.request] = (0..<sequences).first { !used.contains($0) } ?? 0
    }
  }

  private func slotted(_ step: Decision.Step) -> [RehearsalWork.Rows] {
    step.sequences.map {
      .init(slot: sequenceSlots[$0.request] ?? 0, position: $0.position, count: $0.tokens)
    }
  }

  private func timed(
    _ stage: RehearsalRecord.Stage, _ name: StaticString, _ layer: Int, expert: Int = -1,
    _ body: () -> Void
  ) {
    let start = now()
    body()
    note(stage, name, layer, expert: expert, from: start)
  }

  private func note(
    _ stage: RehearsalRecord.Stage, _ name: StaticString, _ layer: Int, expert: Int = -1,
    from start: Double
  ) {
    let end = now()
    step.stages[stage.rawValue] += end - start
    guard stage != .waiting else { return }
    record.slices.append(
      .init(
        track: 0, name: name, start: nanoseconds(start), end: nanoseconds(end), layer: layer,
        expert: expert))
  }

  private func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(max(0, seconds) * 1e9) }

  // MARK: Experts

  /// A member of the layer under way that has not been computed.
  private struct Open {
    var member: Decision.Member
    var place: Int
  }

  private func compute(
    _ access: Decision.Access, ahead: [Decision.Prefetch], layer: Int, rows: Int
  ) throws {
    record.accesses.append(access)
    let began = now()
    var ready: [Open] = []
    var waiting: [Open] = []
    var heldBack: [Open] = []
    var wantsBuffer: [Open] = []
    // A slot that a member loses in this access is in use until that one has been computed.
    let inUse = access.evicted.filter { lost in
      access.members.contains { $0.block == lost.block }
    }.map { Int($0.slot) }
    for member in access.members.reversed() {
      let open = Open(member: member, place: Int(member.slot))
      switch member.found {
      case .host:
        throw RehearsalRefusal("experts that are computed where they are stored are not executed")
      case .hit, .late:
        guard member.slot >= 0 else {
          throw RehearsalRefusal("prefetching into buffers is not executed; landing: cache is")
        }
        try found(open, ready: &ready, waiting: &waiting)
      case .miss:
        record.misses += 1
        if inUse.contains(open.place) {
          heldBack.append(open)
        } else {
          try fetch(open, into: &waiting)
        }
      case .streamed:
        record.streamed += 1
        wantsBuffer.append(open)
      }
    }
    try useBuffers(&wantsBuffer, waiting: &waiting)
    try begin(ahead)
    step.stages[RehearsalRecord.Stage.other.rawValue] += now() - began
    let shared = model.layers[layer].sharedWidth
    timed(.combine, "combine", layer) { work.beginExperts(layer, rows: rows) }
    if shared > 0 {
      timed(.shared, "shared experts", layer) { work.shared(layer, rows: rows) }
    }
    // As in the engine, a set that does not fit at once is computed in parts.
    let streams = access.members.contains { $0.found == .streamed }
    let all =
      !streams && inUse.isEmpty
      && schedule.emission(resident: ready.count, missing: access.members.count - ready.count)
        == .groupedWhenAllReady
    if all { try waitForAll(&waiting, ready: &ready, layer: layer) }
    for open in ready { compute(open, layer: layer, rows: rows) }
    for open in heldBack { try fetch(open, into: &waiting) }
    while !waiting.isEmpty {
      let open = try next(&waiting, layer: layer)
      compute(open, layer: layer, rows: rows)
      if open.member.found == .streamed {
        free.append(open.place)
        try useBuffers(&wantsBuffer, waiting: &waiting)
      }
    }
    timed(.combine, "combine", layer) { work.endExperts(rows: rows) }
  }

  /// A member that is there, or on its way.
  private func found(
    _ open: Open, ready: inout [Open], waiting: inout [Open]
  ) throws {
    let block = open.member.block
    let expected = open.member.found == .late
    if reads.isUnderWay(block) && !reads.hasEnded(block) {
      record.late += expected ? 0 : 1
      record.expectedLate += expected ? 1 : 0
      reads.hurry(block)
      waiting.append(open)
      return
    }
    if reads.isUnderWay(block) { try finish(block) }
    record.early += expected ? 1 : 0
    record.hits += expected ? 0 : 1
    ready.append(open)
  }

  private func fetch(_ open: Open, into waiting: inout [Open]) throws {
    try begin(open.member.block, at: open.place, urgent: true)
    waiting.append(open)
  }

  /// Begins the read of a block, behind one into the same place that has not ended.
  private func begin(_ block: BlockID, at place: Int, urgent: Bool) throws {
    if let other = reads.block(into: place) {
      if !reads.hasEnded(other) {
        record.collisions += 1
        reads.hurry(other)
      }
      try finish(other)
    }
    reads.begin(block, into: memory.slot(place), place: place, urgent: urgent)
    record.bytes += model.expertBytes
  }

  /// Begins what is fetched ahead, in order.
  private func begin(_ ahead: [Decision.Prefetch]) throws {
    for prefetch in ahead {
      guard prefetch.place.slot >= 0 else {
        throw RehearsalRefusal("prefetching into buffers is not executed; landing: cache is")
      }
      record.prefetched += 1
      try begin(prefetch.place.block, at: Int(prefetch.place.slot), urgent: false)
    }
  }

  private func useBuffers(_ wanting: inout [Open], waiting: inout [Open]) throws {
    while !wanting.isEmpty, let place = free.popLast() {
      var open = wanting.removeFirst()
      open.place = place
      try fetch(open, into: &waiting)
    }
  }

  /// Waits for the member that comes next.
  private func next(_ waiting: inout [Open], layer: Int) throws -> Open {
    let index = waiting.firstIndex { reads.hasEnded($0.member.block) } ?? 0
    let open = waiting.remove(at: index)
    let start = now()
    try finish(open.member.block)
    note(.waiting, "waiting", layer, from: start)
    return open
  }

  private func waitForAll(
    _ waiting: inout [Open], ready: inout [Open], layer: Int
  ) throws {
    while !waiting.isEmpty { ready.append(try next(&waiting, layer: layer)) }
  }

  /// Takes up a read that has ended, or waits for it.
  private func finish(_ block: BlockID) throws {
    let place = placeUnderWay(block)
    guard let ended = try reads.wait(block) else { return }
    record.readSeconds += ended.ended - ended.began
    record.slices.append(
      .init(
        track: 1, name: "read", start: nanoseconds(ended.began - origin),
        end: nanoseconds(ended.ended - origin), layer: layout.layer(of: block),
        expert: layout.expert(of: block)))
    if settings.checksContent, let place, !file.holds(memory.slot(place), block: block.index) {
      record.wrongSlots += 1
    }
  }

  private func placeUnderWay(_ block: BlockID) -> Int? {
    settings.checksContent ? reads.place(of: block) : nil
  }

  private func compute(_ open: Open, layer: Int, rows: Int) {
    let expert = layout.expert(of: open.member.block)
    timed(.experts, "expert", layer, expert: expert) {
      work.expert(
        memory.slot(open.place), rows: rows, tokens: min(rows, Int(open.member.tokens)),
        weight: open.member.weight, number: expert)
    }
  }

  /// Whether each slot holds the block that a list says.
  public func holds(_ places: [Decision.Place]) -> Bool {
    places.allSatisfy { file.holds(memory.slot(Int($0.slot)), block: $0.block.index) }
  }
}
