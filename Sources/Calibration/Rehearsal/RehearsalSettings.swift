// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// How an execution uses the machine.
public struct RehearsalSettings: Sendable {
  /// Where experts are read from.
  public enum Source: Sendable, Equatable {
    /// A file, past the page cache.
    case drive
    /// A copy of the file in memory: copies that stand for a link.
    case memory
  }

  /// Threads of products and attention.
  public var computeThreads = 1
  /// Reads under way at once, each in a thread of its own.
  public var readers = 1
  /// Where experts are read from.
  public var source = Source.drive
  /// The rate to which reads are held [bytes/s]; `nil` for as fast as it goes.
  public var pace: Double?
  /// Bytes of the pieces in which an expert is read, one after the other by each reader: the requests of the
  /// simulated drive.
  public var pieceBytes = 1 << 20
  /// Staging buffers of one expert each.
  public var buffers = 2
  /// Whether plain loops compute, which need no library.
  public var plainProducts = false
  /// Whether each expert is looked at when it has come.
  public var checksContent = false

  /// One thread that computes and one that reads.
  public init() {}
}

/// What an execution did, step by step.
public struct RehearsalRecord: Sendable {
  /// A part of a step.
  public enum Stage: Int, Sendable, CaseIterable {
    case attention, dense, gate, shared, experts, combine, head, waiting, other

    /// Its name in reports.
    public var name: String {
      switch self {
      case .attention: "attention"
      case .dense: "dense feed-forward"
      case .gate: "gate"
      case .shared: "shared experts"
      case .experts: "experts"
      case .combine: "combine"
      case .head: "head"
      case .waiting: "waiting for experts"
      case .other: "other"
      }
    }
  }

  /// A forward pass.
  public struct Step: Sendable {
    /// Its number.
    public var number: Int
    /// Rows that it computed.
    public var tokens: Int
    /// Whether it computed no prompt.
    public var isDecode: Bool
    /// When it began, from the start of the run [s].
    public var start: Double
    /// When it ended [s].
    public var end: Double
    /// Seconds of each stage, by its raw value.
    public var stages = [Double](repeating: 0, count: Stage.allCases.count)
  }

  /// An interval in which a thread did something.
  public struct Slice: Sendable {
    /// 0 for computing, n for the n-th lane of reads.
    public var track: Int
    /// What it did.
    public var name: StaticString
    /// From the start of the run [ns].
    public var start: UInt64
    /// From the start of the run [ns].
    public var end: UInt64
    /// The model layer, or -1.
    public var layer: Int
    /// The expert, or -1.
    public var expert: Int
  }

  /// The steps.
  public var steps: [Step] = []
  /// What was done when.
  public var slices: [Slice] = []
  /// The accesses, as they were decided.
  public var accesses: [Decision.Access] = []
  /// Members that were there when they were asked for.
  public var hits = 0
  /// Members that the decisions call hits, and that were still on their way.
  public var late = 0
  /// Members that the decisions call late, and that had come.
  public var early = 0
  /// Members that the decisions call late, and that were.
  public var expectedLate = 0
  /// Members that were fetched into the cache.
  public var misses = 0
  /// Members that passed through a buffer.
  public var streamed = 0
  /// Fetches ahead.
  public var prefetched = 0
  /// Bytes of experts that were read.
  public var bytes = 0
  /// Reads of which another into the same slot had to wait for the end.
  public var collisions = 0
  /// Seconds of reading, summed over reads, from the first byte asked for to the last that came.
  public var readSeconds = 0.0
  /// Slots that did not hold what they should when they were looked at.
  public var wrongSlots = 0

  /// An empty record.
  public init() {}
}
