// SPDX-License-Identifier: GPL-3.0-or-later

/// The runs whose end is known, from a store or from part files.
public protocol KnownRuns {
  /// The record of a run; `nil` where it is not known.
  func record(of id: String) throws -> RunRecord?
}

/// Known runs in memory.
public struct RecordCollection: KnownRuns, Sendable {
  /// The records by identity.
  public private(set) var records: [String: RunRecord] = [:]

  /// Two attempts at a run have given different results.
  public struct Conflict: Error, CustomStringConvertible {
    /// The run.
    public var id: String
    /// What to know of it.
    public var description: String {
      "run \(id) has two different results; either results depend on more than its scenario, or"
        + " files of another version of moesim are in the folder"
    }
  }

  /// An empty collection.
  public init() {}

  /// Adds a record; one that every attempt gives goes before one of a crash or a timeout.
  ///
  /// - Throws: A ``Conflict`` where the run has another result already.
  public mutating func add(_ record: RunRecord) throws(Conflict) {
    guard let known = records[record.id] else {
      records[record.id] = record
      return
    }
    switch (known.status.isDeterministic, record.status.isDeterministic) {
    case (true, true): if known != record { throw Conflict(id: record.id) }
    case (false, true): records[record.id] = record
    case (_, false): break
    }
  }

  /// The record of a run.
  public func record(of id: String) -> RunRecord? { records[id] }
}
