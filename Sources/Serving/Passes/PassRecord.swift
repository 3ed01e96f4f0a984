// SPDX-License-Identifier: GPL-3.0-or-later

/// One forward pass as MoE-CAP records it.
public struct PassRecord: Sendable, Equatable {
  /// One sequence's part of a pass.
  public struct Entry: Sendable, Equatable {
    /// The number of its request in the workload.
    public var request: UInt64
    /// Tokens computed.
    public var tokens: Int
    /// Tokens computed before and in this pass.
    public var total: Int
    /// Tokens of its prompt.
    public var prompt: Int
    /// Whether they are prompt tokens, or tokens computed again.
    public var isPrefill: Bool
    /// Whether the pass computes the last of them.
    public var isLastChunk: Bool
  }

  /// The pass's number, from 1.
  public var number: UInt64
  /// When it began [ns].
  public var began: UInt64
  /// When it ended [ns].
  public var ended: UInt64
  /// What kind of tokens it computes.
  public var mode: PassMode
  /// Distinct experts used in a MoE layer, averaged over layers.
  public var activatedExperts: Double
  /// Tokens computed, those of all beams and drafted ones.
  public var tokens: Int
  /// Weights that it must read [B].
  public var weightBytes: Double
  /// Keys and values that it must read [B].
  public var keyValueBytes: Double
  /// What it must compute [FLOP].
  public var flop: Double
  /// Each sequence's part, in the order of the batch.
  public var entries: [Entry]
}

/// Takes every forward pass of a run, as it ends.
public protocol PassSink {
  /// A pass has ended.
  mutating func take(_ record: PassRecord)
}

/// A sink that keeps every pass.
public struct PassCollector: PassSink {
  /// What was taken, in order.
  public private(set) var records: [PassRecord] = []

  /// An empty collector.
  public init() {}

  /// Keeps a pass.
  public mutating func take(_ record: PassRecord) { records.append(record) }
}

/// Why a run's passes cannot be recorded.
public struct PassesNotRecorded: Error, CustomStringConvertible, Sendable {
  /// What was found and what would be right.
  public var description: String

  /// A reason.
  public init(_ description: String) { self.description = description }
}
