// SPDX-License-Identifier: GPL-3.0-or-later

/// Which prefix blocks each sequence has and holds, and how much of the prompts they saved.
///
/// A sequence's blocks are those of its prompt, in order, each of ``blockTokens`` tokens but the last,
/// which may have fewer; of that one whole KV blocks are shared. A sequence holds a leading run of its
/// blocks: first those that others have computed, then its own as they are computed.
struct PrefixSharing {
  /// Tokens in a prefix block.
  let blockTokens: Int
  /// Tokens in a block of the KV cache, of which a prefix block is a multiple.
  let keyValueBlockTokens: Int
  /// Bytes of a block of the KV cache.
  let keyValueBlockBytes: Int64
  /// The blocks by identity.
  private(set) var cache = PrefixCache()
  /// Identities of the prompt's blocks by slot.
  private var identities: [[UInt64]] = []
  /// Blocks held by slot, the leading ones of the identities.
  private var held: [[Int32]] = []
  /// What has been looked for and found since the counts were reset.
  private(set) var counts = Counts()

  /// What was looked for and found, when requests were first admitted.
  struct Counts: Sendable, Equatable {
    /// Prompt tokens of the requests.
    var askedTokens: Int64 = 0
    /// Those of them that were not computed.
    var hitTokens: Int64 = 0
    /// Blocks of the prompts.
    var askedBlocks: Int64 = 0
    /// Those of them that were held by the cache, in a leading run.
    var hitBlocks: Int64 = 0
  }

  init(blockTokens: Int, keyValueBlockTokens: Int, keyValueBlockBytes: Int64) {
    precondition(
      blockTokens > 0 && blockTokens % keyValueBlockTokens == 0,
      "A prefix block is a multiple of a KV block.")
    self.blockTokens = blockTokens
    self.keyValueBlockTokens = keyValueBlockTokens
    self.keyValueBlockBytes = keyValueBlockBytes
  }

  /// Bytes of blocks that nobody holds.
  var idleBytes: Int64 { bytes(tokens: cache.idleTokens) }

  /// Bytes of whole KV blocks of so many tokens.
  func bytes(tokens: Int) -> Int64 {
    Int64(tokens / keyValueBlockTokens) * keyValueBlockBytes
  }

  /// Takes up a sequence with the blocks of its prompt.
  mutating func begin(_ slot: Int32, blocks: ArraySlice<UInt64>) {
    while identities.count <= Int(slot) {
      identities.append([])
      held.append([])
    }
    identities[Int(slot)].removeAll(keepingCapacity: true)
    identities[Int(slot)].append(contentsOf: blocks)
  }

  /// The blocks of a sequence's prompt.
  func blocks(of slot: Int32) -> [UInt64] {
    Int(slot) < identities.count ? identities[Int(slot)] : []
  }

  /// Tokens at the front of a prompt whose blocks are here.
  func hit(_ blocks: [UInt64], prompt: Int) -> Int {
    var covered = 0
    for (place, identity) in blocks.enumerated() {
      let tokens = tokens(ofBlock: place, prompt: prompt)
      guard tokens > 0, cache.find(identity, tokens: tokens) != nil else { break }
      covered += tokens
    }
    return covered
  }

  /// Forgets every sequence and every block.
  mutating func forgetAll() {
    cache = PrefixCache()
    for slot in identities.indices {
      identities[slot].removeAll(keepingCapacity: true)
      held[slot].removeAll(keepingCapacity: true)
    }
  }

  /// Tokens of a prompt's block that can be shared: whole KV blocks.
  @inline(__always)
  private func tokens(ofBlock place: Int, prompt: Int) -> Int {
    let left = min(blockTokens, prompt - place * blockTokens)
    return max(0, left / keyValueBlockTokens * keyValueBlockTokens)
  }

  /// Lets a sequence hold the leading blocks of its prompt that are here.
  ///
  /// - Parameter target: Tokens that it must have before its next output token, of which at least the
  ///   last is computed.
  /// - Returns: the tokens that it need not compute.
  mutating func take(_ slot: Int32, prompt: Int, target: Int) -> Int {
    var covered = 0
    for (place, identity) in identities[Int(slot)].enumerated() {
      let tokens = tokens(ofBlock: place, prompt: prompt)
      guard tokens > 0, let block = cache.find(identity, tokens: tokens) else { break }
      cache.hold(block)
      held[Int(slot)].append(block)
      covered += tokens
    }
    return min(covered, (target - 1) / keyValueBlockTokens * keyValueBlockTokens)
  }

  /// Counts what a sequence that was admitted for the first time found.
  mutating func count(_ slot: Int32, prompt: Int, covered: Int) {
    counts.askedTokens += Int64(prompt)
    counts.hitTokens += Int64(min(prompt, covered))
    counts.askedBlocks += Int64(identities[Int(slot)].count)
    counts.hitBlocks += Int64(held[Int(slot)].count)
  }

  /// Lets a sequence go of its blocks, the last one first: the tail of a prefix leaves before its head,
  /// without which it is of no use.
  mutating func letGo(_ slot: Int32) {
    while let block = held[Int(slot)].popLast() { cache.letGo(block) }
  }

  /// The next block of a sequence that it has computed and does not hold yet.
  ///
  /// - Returns: its identity and tokens; `nil` when there is none.
  func nextComputed(
    _ slot: Int32, prompt: Int, computed: Int
  ) -> (identity: UInt64, tokens: Int)? {
    let place = held[Int(slot)].count
    guard place < identities[Int(slot)].count else { return nil }
    let tokens = tokens(ofBlock: place, prompt: prompt)
    guard tokens > 0, place * blockTokens + tokens <= computed else { return nil }
    return (identities[Int(slot)][place], tokens)
  }

  /// Lets a sequence hold the block that it has computed and somebody else has, too.
  ///
  /// - Returns: whether the block is here.
  mutating func join(_ slot: Int32, identity: UInt64, tokens: Int) -> Bool {
    guard let block = cache.find(identity, tokens: tokens) else { return false }
    cache.hold(block)
    held[Int(slot)].append(block)
    return true
  }

  /// Takes in the block that a sequence has computed.
  ///
  /// - Returns: whether it was taken in.
  mutating func insert(_ slot: Int32, identity: UInt64, tokens: Int) -> Bool {
    guard let block = cache.insert(identity, tokens: tokens) else { return false }
    held[Int(slot)].append(block)
    return true
  }

  /// A sequence shares nothing more.
  mutating func close(_ slot: Int32) {
    identities[Int(slot)].removeLast(identities[Int(slot)].count - held[Int(slot)].count)
  }

  /// Drops blocks that nobody holds until so many bytes are free.
  ///
  /// - Returns: the bytes that became free; fewer than asked for when all others are held.
  mutating func evict(bytes wanted: Int64) -> Int64 {
    var freed: Int64 = 0
    while freed < wanted, let tokens = cache.evict() { freed += bytes(tokens: tokens) }
    return freed
  }

  /// Forgets what was counted.
  mutating func resetCounts() {
    counts = Counts()
    cache.resetCounts()
  }
}
