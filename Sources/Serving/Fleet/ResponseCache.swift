// SPDX-License-Identifier: GPL-3.0-or-later

public import RandomStreams
public import SimulationKernel

/// How a response cache is set up.
public struct ResponseCacheSettings: Hashable, Sendable {
  /// What makes a hit.
  public enum Rule: Hashable, Sendable {
    /// Each request hits with this probability, whatever it asks.
    case probability(Double)
    /// A request hits when an equal prompt has been answered before and is still among so many
    /// entries, of which the least recently used goes first.
    case identity(capacity: Int)
  }

  /// What makes a hit.
  public var rule: Rule
  /// What a look-up takes, hit or miss [s].
  public var lookupSeconds: Double

  /// Settings of a cache.
  public init(_ rule: Rule, lookupSeconds: Double) {
    self.rule = rule
    self.lookupSeconds = lookupSeconds
  }
}

/// Answers given before, which serve an equal request without a GPU.
///
/// InstCache (arXiv 2411.13820) stores answers to instructions that a model foresees, found by an
/// exact match of their hash: to a simulation a probability of a hit, as its authors report one. With
/// real prompts (traces that record identities of prompt blocks) the cache is simulated itself: an
/// entry is made when an answer is complete, and found by the hash of the whole prompt. Two prompts of
/// one hash are taken to be equal; among n prompts that goes wrong with probability n²/2⁶⁵.
///
/// - Complexity: O(1) for each look-up or entry; memory for as many entries as have been made, at
///   most the capacity.
public struct ResponseCache: Sendable {
  /// What came of the cache.
  public struct Counts: Hashable, Sendable {
    /// Requests that were looked up.
    public var lookups: UInt64 = 0
    /// Requests that were answered.
    public var hits: UInt64 = 0
    /// Requests without a prompt identity, which a cache by identity cannot know.
    public var unidentified: UInt64 = 0
    /// Entries made.
    public var insertions: UInt64 = 0
    /// Entries that gave way to others.
    public var evictions: UInt64 = 0

    /// The share of look-ups that hit; 0 where there were none.
    public var hitRate: Double { lookups == 0 ? 0 : Double(hits) / Double(lookups) }
  }

  /// The settings.
  public let settings: ResponseCacheSettings
  /// What came of the cache so far.
  public private(set) var counts = Counts()
  private let stream: RandomStream
  private var entries: RecentIdentities

  /// An empty cache.
  ///
  /// - Precondition: A probability is from 0 to 1, a capacity positive.
  public init(_ settings: ResponseCacheSettings, seed: UInt64, replication: UInt32) {
    self.settings = settings
    stream = RandomStream(
      seed: seed, replication: replication, purpose: .responseCache, entity: 0)
    var capacity = 1
    switch settings.rule {
    case .probability(let share):
      precondition((0...1).contains(share), "A probability is from 0 to 1.")
    case .identity(let given): capacity = given
    }
    entries = RecentIdentities(capacity: capacity)
  }

  /// What a look-up takes, hit or miss.
  public var lookupTime: SimulatedDuration { SimulatedDuration(seconds: settings.lookupSeconds) }

  /// Entries that are stored.
  public var entryCount: Int { entries.count }

  /// Whether an answer to a request is stored.
  ///
  /// - Parameters:
  ///   - request: The request's number, by which draws are keyed.
  ///   - identity: ``identity(ofBlocks:promptTokens:)`` of its prompt; `nil` where it has none.
  public mutating func lookUp(request: UInt64, identity: UInt64?) -> Bool {
    counts.lookups += 1
    var isHit = false
    switch settings.rule {
    case .probability(let share):
      var stream = stream.forEntity(request)
      isHit = stream.bernoulli(share)
    case .identity:
      if let identity { isHit = entries.touch(identity) } else { counts.unidentified += 1 }
    }
    if isHit { counts.hits += 1 }
    return isHit
  }

  /// Stores an answer that is complete. Does nothing where hits are drawn.
  public mutating func store(identity: UInt64?) {
    guard case .identity = settings.rule, let identity else { return }
    switch entries.insert(identity) {
    case .present: break
    case .added: counts.insertions += 1
    case .replaced:
      counts.insertions += 1
      counts.evictions += 1
    }
  }

  /// The identity of a prompt by those of its blocks and its length; `nil` where no blocks are known.
  ///
  /// A chain of SplitMix64's finaliser (Steele, Lea and Flood, 2014) over the blocks.
  public static func identity(
    ofBlocks blocks: some Sequence<UInt64>, promptTokens: Int32
  ) -> UInt64? {
    var hash = UInt64(UInt32(bitPattern: promptTokens))
    var isEmpty = true
    for block in blocks {
      isEmpty = false
      hash = mixed(hash &+ 0x9E37_79B9_7F4A_7C15) ^ block
    }
    return isEmpty ? nil : mixed(hash)
  }

  private static func mixed(_ value: UInt64) -> UInt64 {
    var word = value
    word = (word ^ (word &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word &>> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word &>> 31)
  }
}
