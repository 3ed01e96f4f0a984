// SPDX-License-Identifier: GPL-3.0-or-later

extension BatchScheduler {
  /// The prefix blocks of every sequence, those that run first; empty where none are shared.
  func prefixBlocks() -> [[UInt64]] {
    guard let prefix else { return [] }
    return running.map { prefix.blocks(of: $0) } + waiting.map { prefix.blocks(of: $0) }
  }

  /// Takes every sequence out, those that run first; what they held of the KV cache is free.
  mutating func removeAll() -> [SequenceState] {
    var all: [SequenceState] = []
    for slot in running { all.append(self[slot]) }
    for slot in waiting { all.append(self[slot]) }
    forgetSequences()
    return all
  }

  /// Begins the measured time: what was counted before is forgotten.
  mutating func resetCounts() {
    keyValue.resetHighWater()
    prefix?.resetCounts()
    guard let used = swap?.used else { return }
    swap!.highWater = used
    swap!.count = 0
    swap!.fallbacks = 0
  }

  /// Takes a running sequence out of the batch, which keeps its room in the KV cache until
  /// ``release(_:)``.
  mutating func hold(_ slot: Int32) {
    if let place = running.firstIndex(of: slot) { running.remove(at: place) }
    heldCount += 1
  }

  /// Lets go what a sequence held that has been taken out.
  mutating func release(_ slot: Int32) {
    keyValue.release(self[slot].keyValueBytes)
    prefix?.letGo(slot)
    heldCount -= 1
    recycle(slot)
  }
}
