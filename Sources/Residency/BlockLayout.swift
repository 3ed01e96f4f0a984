// SPDX-License-Identifier: GPL-3.0-or-later

/// The weight blocks of one model: which there are, how large each is, and in how many chunks each
/// arrives.
///
/// Expert blocks come first, numbered `(version · layers + layer) · experts + expert`; a version is
/// a precision of the same expert. Blocks that are no experts (a page of a layer, a shared expert,
/// a non-expert part) follow in the order in which they were appended.
@frozen
public struct BlockLayout: Sendable {
  /// What is known of one block.
  @frozen
  @usableFromInline
  struct Entry: Sendable, BitwiseCopyable {
    @usableFromInline var bytes: Int64
    @usableFromInline var layer: Int32
    @usableFromInline var expert: Int32
    @usableFromInline var version: UInt8
    @usableFromInline var chunks: UInt8

    @usableFromInline
    init(bytes: Int64, layer: Int, expert: Int, version: Int, chunks: Int) {
      self.bytes = bytes
      self.layer = Int32(layer)
      self.expert = Int32(expert)
      self.version = UInt8(version)
      self.chunks = UInt8(chunks)
    }
  }

  /// The number of mixture-of-experts layers.
  public let layers: Int
  /// The number of experts of a layer.
  public let experts: Int
  /// The number of versions (precisions) of each expert.
  public let versions: Int

  @usableFromInline var entries: [Entry]

  /// Creates the layout of a model's experts.
  ///
  /// - Parameters:
  ///   - layers: mixture-of-experts layers, at least one.
  ///   - experts: experts of a layer, at least one.
  ///   - versions: precisions of each expert, 1 to 255.
  ///   - chunks: the parts in which an expert arrives, 1 to 255.
  ///   - bytes: the size in bytes of (layer, expert, version), not negative.
  public init(
    layers: Int, experts: Int, versions: Int = 1, chunks: Int = 1,
    bytes: (_ layer: Int, _ expert: Int, _ version: Int) -> Int64
  ) {
    precondition(layers > 0 && experts > 0, "A layout has at least one layer and one expert.")
    precondition((1...255).contains(versions), "A layout has 1 to 255 versions of an expert.")
    precondition((1...255).contains(chunks), "A block arrives in 1 to 255 chunks.")
    self.layers = layers
    self.experts = experts
    self.versions = versions
    entries = []
    entries.reserveCapacity(layers * experts * versions)
    for version in 0..<versions {
      for layer in 0..<layers {
        for expert in 0..<experts {
          let size = bytes(layer, expert, version)
          precondition(size >= 0, "A block's size is not negative.")
          entries.append(
            Entry(bytes: size, layer: layer, expert: expert, version: version, chunks: chunks))
        }
      }
    }
  }

  /// Creates the layout of a model whose experts are all of one size, in one version.
  public init(layers: Int, experts: Int, bytesPerExpert: Int64, chunks: Int = 1) {
    self.init(layers: layers, experts: experts, chunks: chunks) { _, _, _ in bytesPerExpert }
  }

  /// Adds a block that is no expert: a page of a layer, a shared expert, a non-expert part.
  ///
  /// - Returns: the new block's number.
  public mutating func appendBlock(layer: Int, bytes: Int64, chunks: Int = 1) -> BlockID {
    precondition((0..<layers).contains(layer), "A block belongs to one of the layers.")
    precondition((1...255).contains(chunks), "A block arrives in 1 to 255 chunks.")
    precondition(bytes >= 0, "A block's size is not negative.")
    entries.append(Entry(bytes: bytes, layer: layer, expert: -1, version: 0, chunks: chunks))
    return BlockID(entries.count - 1)
  }

  /// The number of blocks.
  @inlinable
  public var count: Int { entries.count }

  /// The number of blocks that are experts; they are the first ones.
  @inlinable
  public var expertBlockCount: Int { layers * experts * versions }

  /// The block of an expert in one of its versions.
  @inlinable
  public func block(layer: Int, expert: Int, version: Int = 0) -> BlockID {
    BlockID((version * layers + layer) * experts + expert)
  }

  /// The layer that a block belongs to.
  @inlinable
  public func layer(of block: BlockID) -> Int { Int(entries[block.index].layer) }

  /// The expert that a block holds, or -1 when it is no expert.
  @inlinable
  public func expert(of block: BlockID) -> Int { Int(entries[block.index].expert) }

  /// The version (precision) that a block holds.
  @inlinable
  public func version(of block: BlockID) -> Int { Int(entries[block.index].version) }

  /// The size of a block in bytes.
  @inlinable
  public func bytes(of block: BlockID) -> Int64 { entries[block.index].bytes }

  /// The number of chunks in which a block arrives.
  @inlinable
  public func chunkCount(of block: BlockID) -> Int { Int(entries[block.index].chunks) }

  /// The size in bytes of one chunk of a block; the first chunks take the remainder.
  @inlinable
  public func bytes(ofChunk chunk: Int, of block: BlockID) -> Int64 {
    let entry = entries[block.index]
    let (share, rest) = entry.bytes.quotientAndRemainder(dividingBy: Int64(entry.chunks))
    return share + (Int64(chunk) < rest ? 1 : 0)
  }

  /// Whether all blocks have the same size.
  ///
  /// - Complexity: O(`count`).
  public var hasEqualSizes: Bool {
    entries.allSatisfy { $0.bytes == entries[0].bytes }
  }

  /// The size in bytes of the largest block.
  ///
  /// - Complexity: O(`count`).
  public var largestBytes: Int64 { entries.reduce(0) { max($0, $1.bytes) } }

  /// The size in bytes of all blocks together.
  ///
  /// - Complexity: O(`count`).
  public var totalBytes: Int64 { entries.reduce(0) { $0 + $1.bytes } }
}
