// SPDX-License-Identifier: GPL-3.0-or-later

extension BatchScheduler {
  /// Takes every sequence out, those that run first; what they held of the KV cache is free.
  mutating func removeAll() -> [SequenceState] {
    var all: [SequenceState] = []
    for slot in running { all.append(self[slot]) }
    for slot in waiting { all.append(self[slot]) }
    forgetSequences()
    return all
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
    heldCount -= 1
    recycle(slot)
  }
}
