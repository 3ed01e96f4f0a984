// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Doubly linked lists of blocks, each block in at most one of them.
///
/// The links live in one array, indexed by block; a list is a ring through a node of its own behind
/// the blocks. Every operation is O(1) and none allocates after creation.
@frozen
public struct BlockLists: Sendable {
  @frozen
  @usableFromInline
  struct Node: Sendable, BitwiseCopyable {
    @usableFromInline var previous: Int32
    @usableFromInline var next: Int32

    @usableFromInline
    init(previous: Int32, next: Int32) {
      self.previous = previous
      self.next = next
    }
  }

  @usableFromInline var nodes: [Node]
  @usableFromInline let blockCount: Int32

  /// Creates empty lists.
  ///
  /// - Parameters:
  ///   - blocks: the number of blocks that may be in lists.
  ///   - lists: the number of lists.
  public init(blocks: Int, lists: Int) {
    blockCount = Int32(blocks)
    nodes = (0..<blocks + lists).map { index in
      index < blocks
        ? Node(previous: -1, next: -1) : Node(previous: Int32(index), next: Int32(index))
    }
  }

  /// Whether a block is in one of the lists.
  @inlinable
  public func contains(_ block: BlockID) -> Bool { nodes[block.index].next >= 0 }

  /// Whether a list has no block.
  @inlinable
  public func isEmpty(list: Int) -> Bool {
    let ring = blockCount + Int32(truncatingIfNeeded: list)
    return nodes[Int(ring)].next == ring
  }

  /// The first block of a list: the one that was appended before all others.
  @inlinable
  public func first(ofList list: Int) -> BlockID? {
    let next = nodes[Int(blockCount) + list].next
    return next < blockCount ? BlockID(rawValue: next) : nil
  }

  /// The block that stands after another in its list.
  @inlinable
  public func next(after block: BlockID) -> BlockID? {
    let next = nodes[block.index].next
    return next < blockCount ? BlockID(rawValue: next) : nil
  }

  /// Puts a block that is in no list behind all others of a list.
  @inlinable
  public mutating func append(_ block: BlockID, toList list: Int) {
    edit(block, list) { nodes, index, ring in
      let last = nodes[ring].previous
      nodes[index] = Node(previous: last, next: Int32(truncatingIfNeeded: ring))
      nodes[Int(last)].next = block.rawValue
      nodes[ring].previous = block.rawValue
    }
  }

  /// Takes a block out of its list.
  @inlinable
  public mutating func remove(_ block: BlockID) {
    edit(block, 0) { nodes, index, _ in
      let node = nodes[index]
      precondition(node.next >= 0, "Only a block that is in a list can be taken out of it.")
      nodes[Int(node.previous)].next = node.next
      nodes[Int(node.next)].previous = node.previous
      nodes[index] = Node(previous: -1, next: -1)
    }
  }

  /// Puts a block behind all others of the list that it is in; does nothing if it is in none.
  @inlinable
  public mutating func moveToEnd(_ block: BlockID, ofList list: Int) {
    edit(block, list) { nodes, index, ring in
      let node = nodes[index]
      if node.next < 0 || Int(node.next) == ring { return }
      nodes[Int(node.previous)].next = node.next
      nodes[Int(node.next)].previous = node.previous
      let last = nodes[ring].previous
      nodes[Int(last)].next = block.rawValue
      nodes[ring].previous = block.rawValue
      nodes[index] = Node(previous: last, next: Int32(truncatingIfNeeded: ring))
    }
  }

  /// Gives access to the nodes with one check of the array's uniqueness. The block and the list are
  /// checked; the links between nodes are this type's own and always in range.
  @inlinable
  @inline(__always)
  mutating func edit(
    _ block: BlockID, _ list: Int,
    _ body: (_ nodes: UnsafeMutableBufferPointer<Node>, _ index: Int, _ ring: Int) -> Void
  ) {
    let index = block.index
    let ring = Int(blockCount) + list
    precondition(index >= 0 && index < Int(blockCount), "A block is one of those of the lists.")
    precondition(list >= 0 && ring < nodes.count, "A list is one of those that were created.")
    nodes.withUnsafeMutableBufferPointer { body($0, index, ring) }
  }

  /// The first block of a list that may be dropped now.
  ///
  /// - Complexity: O(blocks before it that may not).
  @inlinable
  public func firstEvictable(ofList list: Int, view: borrowing ResidencyView) -> BlockID? {
    var candidate = first(ofList: list)
    while let block = candidate {
      if view.isEvictable(block) { return block }
      candidate = next(after: block)
    }
    return nil
  }

  /// The last block of a list that may be dropped now.
  ///
  /// - Complexity: O(blocks behind it that may not).
  @inlinable
  public func lastEvictable(ofList list: Int, view: borrowing ResidencyView) -> BlockID? {
    var candidate = nodes[Int(blockCount) + list].previous
    while candidate < blockCount {
      let block = BlockID(rawValue: candidate)
      if view.isEvictable(block) { return block }
      candidate = nodes[Int(candidate)].previous
    }
    return nil
  }
}
