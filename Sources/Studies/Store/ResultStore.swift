// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import GRDB
import Records

/// Results in an SQLite database, made from part files by merging; it says which parts it holds.
///
/// One process writes at a time; others read meanwhile (write-ahead log). The part files stay the
/// truth: a store that is lost is made again from them.
public final class ResultStore: KnownRuns {
  /// What keeps a store from being used.
  public struct Problem: Error, CustomStringConvertible, Sendable {
    /// The store's file.
    public var path: String
    /// What was found and what would be right.
    public var message: String
    /// Whether writing failed, rather than what the file holds being wrong.
    public var isWriteFailure = false
    /// The file and the message.
    public var description: String { "\(path): \(message)" }
  }

  /// The version of the tables.
  public static let schemaVersion = 1

  /// The file.
  public let path: String
  private let database: DatabaseQueue

  /// Opens a store; one to write is made where there is none.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - writes: Whether results are to be added.
  /// - Throws: A ``Problem``.
  public init(path: String, writes: Bool) throws {
    self.path = path
    if !writes, !FileManager.default.fileExists(atPath: path) {
      throw Problem(path: path, message: "there is no such store; 'moesim sweep' makes one")
    }
    var configuration = GRDB.Configuration()
    configuration.readonly = !writes
    configuration.busyMode = .timeout(5)
    if writes { configuration.journalMode = .wal }
    configuration.label = "results"
    do {
      // What is no store is refused before anything of it could be changed.
      let facts = try? FileManager.default.attributesOfItem(atPath: path)
      if writes, let size = facts?[.size] as? Int, size > 0 {
        var looking = GRDB.Configuration()
        looking.readonly = true
        looking.busyMode = .timeout(5)
        try DatabaseQueue(path: path, configuration: looking).read {
          try Self.checkVersion($0, path: path)
        }
      }
      database = try DatabaseQueue(path: path, configuration: configuration)
      if writes {
        try database.write { try Self.migrate($0, path: path) }
      } else {
        try database.read { try Self.checkVersion($0, path: path) }
      }
    } catch let error as DatabaseError {
      throw Self.problem(error, path: path)
    }
  }

  private static func checkVersion(_ database: Database, path: String) throws {
    let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    guard version <= schemaVersion else {
      throw Problem(
        path: path,
        message: "has tables of version \(version), and this moesim knows version"
          + " \(schemaVersion); nothing was changed; use a newer moesim, or another store")
    }
    let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    // A process that was killed while it made a store leaves an empty one.
    guard version > 0 || tables == 0 else {
      throw Problem(
        path: path,
        message: "is a database of something else; nothing was changed; name another file, of which"
          + " 'moesim sweep' makes a store")
    }
  }

  private static func migrate(_ database: Database, path: String) throws {
    let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    if version > 0 { return try checkVersion(database, path: path) }
    try database.execute(
      sql: """
        CREATE TABLE runs (
          id TEXT PRIMARY KEY, point TEXT NOT NULL, replication INTEGER NOT NULL,
          kind TEXT NOT NULL, status TEXT NOT NULL, message TEXT, result TEXT, series TEXT,
          scenario TEXT);
        CREATE TABLE labels (
          run TEXT NOT NULL REFERENCES runs(id), position INTEGER NOT NULL, key TEXT NOT NULL,
          value TEXT NOT NULL, PRIMARY KEY (run, key));
        CREATE TABLE parts (
          name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, runs INTEGER NOT NULL);
        PRAGMA user_version = \(schemaVersion);
        """)
  }

  private static let recordQuery =
    "SELECT status, message, result, series FROM runs WHERE id = ?"

  /// The record of a run.
  public func record(of id: String) throws -> RunRecord? {
    try reading { database in
      try Row.fetchOne(try database.cachedStatement(sql: Self.recordQuery), arguments: [id])
        .flatMap { Self.record(of: id, $0) }
    }
  }

  private static func record(of id: String, _ row: Row) -> RunRecord? {
    guard let status = RunRecord.Status(rawValue: row["status"]) else { return nil }
    let result: String? = row["result"]
    let series: String? = row["series"]
    var values: [Double]?
    if let series, case .list(let items)? = try? ReportValue(json: Data(series.utf8)) {
      values = items.compactMap(\.numericValue)
    }
    return RunRecord(
      id: id, status: status, message: row["message"], resultText: result, series: values)
  }

  /// Adds runs and the parts from which they come, all or nothing.
  ///
  /// - Returns: How many runs were new.
  /// - Throws: A ``Problem`` where the database can't be written, a ``RecordCollection/Conflict``
  ///   where a run has another result already.
  @discardableResult
  public func add(
    _ runs: [MergedRun], parts: [(name: String, digest: ContentDigest, runs: Int)]
  ) throws -> Int {
    try writing { database in
      var added = 0
      for run in runs {
        let known = try Row.fetchOne(
          try database.cachedStatement(sql: Self.recordQuery), arguments: [run.record.id])
        var record: RunRecord? = run.record
        if let known, let old = Self.record(of: run.record.id, known) {
          var both = RecordCollection()
          try both.add(old)
          try both.add(run.record)
          record = both.record(of: run.record.id) == old ? nil : run.record
        } else {
          added += 1
        }
        if let record { try Self.write(record, run.entry, in: database) }
        for (position, label) in run.labels.enumerated() {
          try database.cachedStatement(sql: "INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?)")
            .execute(arguments: [run.record.id, position, label.key, label.value])
        }
      }
      for part in parts {
        try database.execute(
          sql: "INSERT OR REPLACE INTO parts VALUES (?, ?, ?)",
          arguments: [part.name, part.digest.hexadecimal, part.runs])
      }
      return added
    }
  }

  private static func write(
    _ record: RunRecord, _ entry: SweepPlan.Entry, in database: Database
  ) throws {
    func text(_ value: ReportValue?) -> String? {
      value.map { JSONText.text(of: $0, layout: .compact) }
    }
    try database.cachedStatement(
      sql: "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ).execute(
      arguments: [
        record.id, entry.point, Int(entry.replication), entry.kind.rawValue,
        record.status.rawValue, record.message, record.resultText,
        text(record.series.map { .list($0.map(ReportValue.number)) }), entry.scenarioText,
      ])
  }

  /// The parts that the store holds, by name.
  public func parts() throws -> [(name: String, digest: String, runs: Int)] {
    try reading { database in
      try Row.fetchAll(database, sql: "SELECT * FROM parts ORDER BY name").map {
        ($0["name"], $0["sha256"], $0["runs"])
      }
    }
  }

  /// All runs of a kind with their labels, by point as they were added, then by replication.
  public func runs(kind: RunIdentity.Kind = .run) throws -> [MergedRun] {
    try reading { database in
      var labels: [String: [(key: String, value: String)]] = [:]
      for row in try Row.fetchAll(
        database, sql: "SELECT run, key, value FROM labels ORDER BY run, position")
      {
        labels[row["run"], default: []].append((row["key"], row["value"]))
      }
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT *, min(rowid) OVER (PARTITION BY point) AS place FROM runs WHERE kind = ?
          ORDER BY place, replication, id
          """, arguments: [kind.rawValue])
      return rows.compactMap { row in
        let id: String = row["id"]
        guard let record = Self.record(of: id, row) else { return nil }
        let own = labels[id] ?? []
        return MergedRun(
          entry: SweepPlan.Entry(
            id: id, point: row["point"], replication: UInt32(row["replication"] as Int),
            kind: kind, labels: own.map(\.value), scenarioText: nil, problem: nil, files: []),
          axes: own.map(\.key), record: record)
      }
    }
  }

  /// Whether the database is sound, by SQLite's own check.
  public func checkIntegrity() throws -> Bool {
    try reading { database in
      try String.fetchOne(database, sql: "PRAGMA integrity_check") == "ok"
    }
  }

  /// Has the database fill up at so many pages, as a full disk would.
  func limitPagesForTesting(to pages: Int) throws {
    try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = \(pages)") }
  }

  private func reading<Value>(_ body: (Database) throws -> Value) throws -> Value {
    do { return try database.read(body) } catch let error as DatabaseError {
      throw Self.problem(error, path: path)
    }
  }

  private func writing<Value>(_ body: (Database) throws -> Value) throws -> Value {
    do { return try database.write(body) } catch let error as DatabaseError {
      throw Self.problem(error, path: path)
    }
  }

  private static func problem(_ error: DatabaseError, path: String) -> Problem {
    let kept = "; nothing was written, and the part files hold all results"
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return Problem(
        path: path, message: "another process is writing; wait for it, or name another store",
        isWriteFailure: true)
    case .SQLITE_FULL:
      return Problem(path: path, message: "the disk is full" + kept, isWriteFailure: true)
    case .SQLITE_READONLY:
      return Problem(
        path: path, message: "cannot be written; expected a file and a folder that may be" + kept,
        isWriteFailure: true)
    case .SQLITE_CANTOPEN:
      return Problem(
        path: path,
        message: "cannot be opened; expected a file in a folder that is there and may"
          + " be written", isWriteFailure: true)
    case .SQLITE_IOERR:
      return Problem(
        path: path,
        message: "input or output failed (\(error.message ?? "no reason given"))" + kept,
        isWriteFailure: true)
    case .SQLITE_NOTADB, .SQLITE_CORRUPT:
      return Problem(
        path: path,
        message: "is no sound SQLite database; nothing was changed; merge the part files"
          + " into another store")
    default:
      return Problem(path: path, message: error.message ?? "\(error)")
    }
  }
}
