// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// What knows when a block will be used next.
///
/// A replay knows the whole recorded sequence (`RecordedNextUse`); an engine can look ahead in the
/// routing of the sequences that it runs.
public protocol NextUseOracle: Sendable {
  /// A new access event begins; it is the present from now on.
  mutating func eventBegan()

  /// When a block is used next after the present event, in any unit that grows with time: the
  /// larger, the later. `UInt64.max` means never again.
  mutating func nextUse(of block: BlockID) -> UInt64

  /// Whether answers given earlier may have changed, as when a sequence joined or left. Asked at
  /// the start of each forward pass; the rule then asks again for all blocks that are here.
  mutating func takeChange() -> Bool
}

extension NextUseOracle {
  /// The future does not change.
  public mutating func takeChange() -> Bool { false }
}

/// The uses of each block in a recorded sequence of access events.
///
/// It holds four bytes for each use; copies share them, each with its own present.
public struct RecordedNextUse: NextUseOracle {
  /// Collects a sequence of access events.
  public struct Builder {
    private var uses: [[UInt32]]
    private var events: UInt32 = 0

    /// Creates a builder for the blocks of a layout.
    public init(layout: BlockLayout) { uses = Array(repeating: [], count: layout.count) }

    /// Begins the next event.
    public mutating func beginEvent() {
      precondition(events < .max, "A recorded sequence has fewer than 2^32 events.")
      events += 1
    }

    /// Adds a use of a block to the event that was begun last.
    public mutating func add(_ block: BlockID) { uses[block.index].append(events - 1) }

    /// The uses collected so far, before the first event.
    public func build() -> RecordedNextUse { RecordedNextUse(uses: uses) }
  }

  private let events: [UInt32]
  /// The first use of each block in `events`, and the end of the last.
  private let starts: [Int]
  private var cursors: [Int]
  private var present: Int64 = -1

  init(uses: [[UInt32]]) {
    var starts = [0]
    for list in uses { starts.append(starts.last! + list.count) }
    var events: [UInt32] = []
    events.reserveCapacity(starts.last!)
    for list in uses { events.append(contentsOf: list) }
    self.events = events
    self.starts = starts
    cursors = Array(starts.dropLast())
  }

  /// How often each block is used, by block number.
  public var useCounts: [Double] {
    zip(starts, starts.dropFirst()).map { Double($1 - $0) }
  }

  /// Goes on to the next recorded event.
  public mutating func eventBegan() { present += 1 }

  /// The number of the event in which a block is used next.
  ///
  /// - Complexity: O(1) for each recorded use, over the whole sequence.
  public mutating func nextUse(of block: BlockID) -> UInt64 {
    let end = starts[block.index + 1]
    var cursor = cursors[block.index]
    while cursor < end && Int64(events[cursor]) <= present { cursor += 1 }
    cursors[block.index] = cursor
    return cursor < end ? UInt64(events[cursor]) : .max
  }
}
