// SPDX-License-Identifier: GPL-3.0-or-later

/// Known runs of a store, each read from it once. Not for use from several threads.
final class RecordCache: KnownRuns {
  private let store: ResultStore
  private var records: [String: RunRecord] = [:]

  /// A cache before a store.
  init(_ store: ResultStore) { self.store = store }

  /// The record of a run; `nil` where the store has none.
  func record(of id: String) throws -> RunRecord? {
    if let known = records[id] { return known }
    let record = try store.record(of: id)
    records[id] = record
    return record
  }

  /// Notes a record that was added to the store.
  func note(_ record: RunRecord) {
    // What every attempt gives goes before a crash or a timeout, as in the store.
    if let known = records[record.id], known.status.isDeterministic { return }
    records[record.id] = record
  }
}
