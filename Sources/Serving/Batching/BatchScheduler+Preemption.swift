// SPDX-License-Identifier: GPL-3.0-or-later

extension BatchScheduler {
  /// The sequence that gives up its blocks first, of those whose blocks are in device memory: the one
  /// admitted last; by priority the least urgent, of several the one that arrived last.
  func victim() -> Int32 {
    var found: Int32 = -1
    for slot in running.reversed() where sequences[Int(slot)].swap == .none {
      guard prioritises else { return slot }
      if found < 0 || precedes(found, slot) { found = slot }
    }
    precondition(found >= 0, "Whoever needs room has its blocks in device memory.")
    return found
  }

  /// Whether one sequence is more urgent than another, or as urgent and came first.
  func precedes(_ first: Int32, _ second: Int32) -> Bool {
    let (one, other) = (sequences[Int(first)].request, sequences[Int(second)].request)
    if one.priority != other.priority { return one.priority > other.priority }
    return (one.arrivalNanoseconds, one.number) < (other.arrivalNanoseconds, other.number)
  }

  /// Queues a sequence before the first that it precedes.
  ///
  /// - Complexity: O(log waiting) comparisons, and what an insertion moves.
  mutating func insertByPriority(_ slot: Int32) {
    var low = 0
    var high = waiting.count
    while low < high {
      let middle = (low + high) / 2
      if precedes(slot, waiting[middle]) { high = middle } else { low = middle + 1 }
    }
    waiting.insert(slot, at: low)
  }

  /// Sends a running sequence back into the queue, at its head or by priority; its KV cache is lost, or goes to host
  /// memory where there is room.
  ///
  /// - Returns: the tokens of the step's budget that it gives back, had it been planned already.
  mutating func preempt(_ slot: Int32) -> Int {
    if let place = running.lastIndex(of: slot) { running.remove(at: place) }
    var returned = 0
    if let entry = entries.firstIndex(where: { $0.sequence == slot }) {
      returned = Int(entries[entry].tokens)
      stepTokens -= returned
      entries.remove(at: entry)
    }
    if !swapOut(slot) { drop(slot) }
    if prioritises { insertByPriority(slot) } else { waiting.prepend(slot) }
    preemptions += 1
    return returned
  }

  /// Takes away what a sequence has computed.
  private mutating func drop(_ slot: Int32) {
    keyValue.release(sequences[Int(slot)].keyValueBytes)
    prefix?.letGo(slot)
    var sequence = sequences[Int(slot)]
    sequence.keyValueBytes = 0
    sequence.shared = 0
    sequence.computed = 0
    sequence.prefillTarget = Int(sequence.request.promptTokens) + sequence.produced
    sequences[Int(slot)] = sequence
  }

  /// Begins to move a sequence's keys and values to host memory.
  ///
  /// - Returns: whether there is something to move, and room for it.
  private mutating func swapOut(_ slot: Int32) -> Bool {
    guard swap != nil, sequences[Int(slot)].computed > 0 else { return false }
    let bytes = keyValue.bytes(
      prompt: Int(sequences[Int(slot)].request.promptTokens),
      tokens: sequences[Int(slot)].computed)
    guard swap!.used + bytes <= swap!.capacity else {
      swap!.fallbacks += 1
      return false
    }
    swap!.used += bytes
    swap!.highWater = max(swap!.highWater, swap!.used)
    swap!.count += 1
    swap!.underWay += 1
    swap!.leavingBytes += sequences[Int(slot)].keyValueBytes
    swap!.moves.append(SwapMove(sequence: slot, bytes: bytes, isOut: true))
    sequences[Int(slot)].swap = .leaving
    sequences[Int(slot)].hostBytes = bytes
    return true
  }

  /// Begins to bring back a sequence's keys and values, with room for its next token.
  ///
  /// - Returns: whether device memory has the room.
  mutating func swapIn(_ slot: Int32) -> Bool {
    let sequence = sequences[Int(slot)]
    guard let held = grow(sequence, to: sequence.computed + 1 + drafts) else { return false }
    sequences[Int(slot)].keyValueBytes = held
    sequences[Int(slot)].swap = .arriving
    swap!.underWay += 1
    swap!.moves.append(SwapMove(sequence: slot, bytes: sequence.hostBytes, isOut: false))
    return true
  }

  /// Whether the room that a sequence needs is becoming free.
  mutating func roomIsLeaving(for slot: Int32, tokens: Int) -> Bool {
    guard let swap, swap.leavingBytes > 0 else { return false }
    let sequence = sequences[Int(slot)]
    let missing = keyValue.shortage(
      held: sequence.keyValueBytes, prompt: Int(sequence.request.promptTokens),
      tokens: sequence.computed + tokens, shared: sequence.shared)
    return missing <= swap.leavingBytes + (prefix?.idleBytes ?? 0)
  }

  /// The moves that planning steps has decided since they were last taken, in order.
  ///
  /// Those that go out free their room in device memory only when they have ended; those that come back
  /// must not begin before they went out, which the scheduler sees to.
  mutating func takeSwaps(_ body: (SwapMove) -> Void) {
    guard swap != nil else { return }
    for move in swap!.moves { body(move) }
    swap!.moves.removeAll(keepingCapacity: true)
  }

  /// A move has ended.
  mutating func swapEnded(_ move: SwapMove) {
    let slot = Int(move.sequence)
    swap!.underWay -= 1
    if move.isOut {
      keyValue.release(sequences[slot].keyValueBytes)
      prefix?.letGo(move.sequence)
      swap!.leavingBytes -= sequences[slot].keyValueBytes
      sequences[slot].keyValueBytes = 0
      sequences[slot].shared = 0
      sequences[slot].swap = .host
    } else {
      swap!.used -= sequences[slot].hostBytes
      sequences[slot].hostBytes = 0
      sequences[slot].swap = .none
    }
  }

  /// Whether keys and values are on their way between device and host.
  var awaitsSwap: Bool { (swap?.underWay ?? 0) > 0 }
}
