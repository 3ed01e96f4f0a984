// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// How far the shards of a plan have come, by the files that they write.
public struct SweepStatus: Sendable, Codable {
  /// One shard.
  public struct Shard: Sendable, Codable {
    /// How a shard stands.
    public enum State: String, Sendable, Codable {
      /// No attempt has begun.
      case waiting
      /// An attempt has begun.
      case started
      /// All runs have ended.
      case finished
    }
    /// The shard's number.
    public var shard: Int
    /// Its state.
    public var state: State
    /// Runs that have ended.
    public var done: Int
    /// Runs in all.
    public var runs: Int
    /// Attempts that have left files.
    public var attempts: Int
    /// Seconds since the last line was written; `nil` where nothing was.
    public var idleSeconds: Double?
  }

  /// The shards.
  public var shards: [Shard]
  /// Runs that have ended.
  public var done: Int
  /// Runs in all.
  public var runs: Int
  /// Runs by how they ended.
  public var statuses: [String: Int]
  /// Runs that end in a second, from the first file to now; `nil` before the first.
  public var runsPerSecond: Double?
  /// Seconds until the rest has ended at that rate.
  public var secondsLeft: Double?
  /// Whether every shard is finished.
  public var isFinished: Bool { shards.allSatisfy { $0.state == .finished } }

  /// Reads the files of a plan's shards.
  ///
  /// - Throws: What reading the files throws.
  public init(plan: SweepPlanFile, folder: String, now: Date = .now) throws {
    shards = []
    statuses = [:]
    var first: Date?
    var last: Date?
    for number in 0..<plan.header.shards {
      let files = ShardFiles(
        folder: folder, plan: plan.digest, shard: number, of: plan.header.shards)
      let paths = files.isFinished ? [files.final] : files.parts
      var contents = ShardFiles.Contents()
      var written: Date?
      for path in paths {
        try contents.add(file: path)
        let facts = try? FileManager.default.attributesOfItem(atPath: path)
        if let date = facts?[.modificationDate] as? Date { written = max(written ?? date, date) }
        if let date = facts?[.creationDate] as? Date ?? facts?[.modificationDate] as? Date {
          first = min(first ?? date, date)
        }
      }
      var ended: [String: RunRecord.Status] = [:]
      for record in contents.records { ended[record.id] = record.status }
      for status in ended.values { statuses[status.rawValue, default: 0] += 1 }
      if let written { last = max(last ?? written, written) }
      shards.append(
        Shard(
          shard: number,
          state: files.isFinished ? .finished : paths.isEmpty ? .waiting : .started,
          done: ended.count, runs: plan.indices(ofShard: number).count, attempts: paths.count,
          idleSeconds: written.map { now.timeIntervalSince($0) }))
    }
    done = shards.reduce(0) { $0 + $1.done }
    runs = plan.count
    if let first, done > 0 {
      let end = done == runs ? last ?? now : now
      let seconds = max(end.timeIntervalSince(first), 1e-3)
      runsPerSecond = Double(done) / seconds
      secondsLeft = Double(runs - done) / Double(done) * seconds
    }
  }
}
