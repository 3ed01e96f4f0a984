// SPDX-License-Identifier: GPL-3.0-or-later

/// The hits of one eviction rule at one capacity.
public struct CacheReplayResult: Codable, Hashable, Sendable {
  /// The part of one layer.
  public struct Layer: Codable, Hashable, Sendable {
    /// The mixture-of-experts layer, from 0.
    public var layer: Int
    /// How often an expert of this layer was asked for.
    public var accesses: Int
    /// How often it was resident then.
    public var hits: Int
  }

  /// The eviction rule's name.
  public var eviction: String
  /// `per-layer` or `global`.
  public var pool: String
  /// The experts that one pool holds; where capacity is in bytes and experts are of unequal size,
  /// the number of the largest ones.
  public var capacityExperts: Int
  /// The bytes that one pool holds (where capacity is in experts, of the largest ones), or nothing
  /// where sizes are not known.
  public var capacityBytes: Int64?
  /// How often an expert was asked for. A layer's set counts each of its experts once.
  public var accesses: Int
  /// How often it was resident then.
  public var hits: Int
  /// Hits for each access, or nothing where there was no access.
  public var hitRate: Double?
  /// The parts of all layers.
  public var layers: [Layer]
  /// What must be known to read the figures, if anything.
  public var note: String?

  enum CodingKeys: String, CodingKey {
    case eviction, pool, accesses, hits, layers, note
    case capacityExperts = "capacity_experts"
    case capacityBytes = "capacity_bytes"
    case hitRate = "hit_rate"
  }

  /// Writes the result; unknown sizes and rates are null, a missing note is left out.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(eviction, forKey: .eviction)
    try container.encode(pool, forKey: .pool)
    try container.encode(capacityExperts, forKey: .capacityExperts)
    try container.encode(capacityBytes, forKey: .capacityBytes)
    try container.encode(accesses, forKey: .accesses)
    try container.encode(hits, forKey: .hits)
    try container.encode(hitRate, forKey: .hitRate)
    try container.encode(layers, forKey: .layers)
    try container.encodeIfPresent(note, forKey: .note)
  }
}
