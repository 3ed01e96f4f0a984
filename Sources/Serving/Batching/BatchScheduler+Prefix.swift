// SPDX-License-Identifier: GPL-3.0-or-later

extension BatchScheduler {
  /// Lets a sequence grow to so many tokens; blocks of prefixes that nobody holds make room for it.
  ///
  /// - Returns: the bytes that it then holds alone, or `nil` when the KV cache has no room.
  mutating func grow(_ sequence: SequenceState, to tokens: Int) -> Int64? {
    let prompt = Int(sequence.request.promptTokens)
    if let held = keyValue.grow(
      held: sequence.keyValueBytes, prompt: prompt, tokens: tokens, shared: sequence.shared)
    {
      return held
    }
    guard prefix != nil else { return nil }
    let missing = keyValue.shortage(
      held: sequence.keyValueBytes, prompt: prompt, tokens: tokens, shared: sequence.shared)
    // Nothing is dropped in vain.
    guard missing <= prefix!.idleBytes else { return nil }
    keyValue.release(prefix!.evict(bytes: missing))
    return keyValue.grow(
      held: sequence.keyValueBytes, prompt: prompt, tokens: tokens, shared: sequence.shared)
  }

  /// Gives a sequence that is to be admitted the leading blocks of its prompt that are there.
  mutating func takePrefix(_ slot: Int32) {
    guard prefix != nil, sequences[Int(slot)].computed == 0 else { return }
    let covered = prefix!.take(
      slot, prompt: Int(sequences[Int(slot)].request.promptTokens),
      target: sequences[Int(slot)].prefillTarget)
    sequences[Int(slot)].computed = covered
    sequences[Int(slot)].shared = covered
  }

  /// Takes back what `takePrefix` gave to a sequence that was not admitted.
  mutating func dropPrefix(_ slot: Int32) {
    guard prefix != nil, sequences[Int(slot)].keyValueBytes == 0 else { return }
    prefix!.letGo(slot)
    sequences[Int(slot)].computed = 0
    sequences[Int(slot)].shared = 0
  }

  /// Counts what a sequence found that was admitted for the first time.
  mutating func noteAdmission(_ slot: Int32) {
    guard !sequences[Int(slot)].wasAdmitted else { return }
    sequences[Int(slot)].wasAdmitted = true
    prefix?.count(
      slot, prompt: Int(sequences[Int(slot)].request.promptTokens),
      covered: sequences[Int(slot)].shared)
  }

  /// Shares the blocks of a sequence's prompt that have been computed; to be called when a step has
  /// ended and the sequence's `computed` says so.
  ///
  /// A block that another sequence has computed meanwhile is held once.
  ///
  /// - Complexity: O(1) for each block.
  mutating func shareComputed(_ slot: Int32) {
    guard prefix != nil else { return }
    let place = Int(slot)
    let prompt = Int(sequences[place].request.promptTokens)
    while let next = prefix!.nextComputed(
      slot, prompt: prompt, computed: sequences[place].computed)
    {
      let shared = sequences[place].shared + next.tokens
      let own = min(
        sequences[place].keyValueBytes,
        keyValue.bytes(tokens: sequences[place].computed - shared))
      let returned = sequences[place].keyValueBytes - own
      if !prefix!.join(slot, identity: next.identity, tokens: next.tokens) {
        let more = prefix!.bytes(tokens: next.tokens) - returned
        var missing = keyValue.used + more - keyValue.capacity
        if missing > 0, missing <= prefix!.idleBytes {
          keyValue.release(prefix!.evict(bytes: missing))
          missing = 0
        }
        guard missing <= 0, prefix!.insert(slot, identity: next.identity, tokens: next.tokens)
        else {
          // What follows a block that is not shared cannot be found.
          prefix!.close(slot)
          return
        }
        if more > 0 { keyValue.take(more) } else { keyValue.release(-more) }
      } else {
        keyValue.release(returned)
      }
      sequences[place].keyValueBytes = own
      sequences[place].shared = shared
    }
  }
}
