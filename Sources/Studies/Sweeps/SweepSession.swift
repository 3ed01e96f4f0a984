// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Foundation

/// A sweep from plan to store: plans what is missing, has it run, merges, and plans again until
/// nothing is missing.
///
/// What has ended stands in the folder of part files at once, and in the store after each plan. A
/// session that was stopped, by whatever, is gone on with by running the same study again.
public struct SweepSession {
  /// What came of a session.
  public struct Outcome: Sendable {
    /// Every point with its known replications.
    public var points: [PointProgress]
    /// Runs that were made.
    public var made: Int
    /// Runs that were known before.
    public var known: Int
    /// Whether the session was interrupted.
    public var isInterrupted: Bool
  }

  /// The study with its points.
  public let planner: SweepPlanner
  private let store: ResultStore
  /// What was merged into the store or read of it, so that no result is read twice.
  private let records: RecordCache
  private let folder: String
  private let shards: Int

  /// A session.
  ///
  /// - Parameters:
  ///   - planner: The study with its points.
  ///   - store: Where results are kept.
  ///   - folder: Where plans and part files are kept.
  ///   - shards: Into how many shards a plan is divided.
  public init(planner: SweepPlanner, store: ResultStore, folder: String, shards: Int) {
    self.planner = planner
    self.store = store
    records = RecordCache(store)
    self.folder = folder
    self.shards = shards
  }

  /// Runs what is missing.
  ///
  /// - Throws: ``ResultStore/Problem``, what the engine throws, and what writing throws.
  public func run(on engine: any SweepEngine, control: SweepControl) throws -> Outcome {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    // What an earlier session has left in the folder counts.
    try mergeFolder()
    var made = 0
    var known: Int?
    while control.demand == .goOn {
      let points = try planner.progress(with: records)
      let plan = planner.plan(for: points, shards: shards)
      if known == nil { known = points.reduce(0) { $0 + $1.records.count } }
      guard !plan.entries.isEmpty else {
        return Outcome(points: points, made: made, known: known ?? 0, isInterrupted: false)
      }
      let file = try SweepPlanFile(writing: plan, to: folder)
      var failure: (any Error)?
      do { try engine.run(plan: file, folder: folder, control: control) } catch { failure = error }
      made += try merge(file)
      if let failure { throw failure }
    }
    return Outcome(
      points: try planner.progress(with: records), made: made, known: known ?? 0,
      isInterrupted: true)
  }

  private func mergeFolder() throws {
    let held = Set(try store.parts().map(\.name))
    for name in ShardFiles.names(in: folder)
    where name.hasPrefix("plan-") && name.hasSuffix(".jsonl") {
      guard let plan = try? SweepPlanFile(path: "\(folder)/\(name)") else { continue }
      let finals = (0..<plan.header.shards).map {
        ShardFiles(folder: folder, plan: plan.digest, shard: $0, of: plan.header.shards).final
      }.map { URL(filePath: $0).lastPathComponent }
      if held.isSuperset(of: finals) { continue }
      try merge(plan)
    }
  }

  @discardableResult
  private func merge(_ plan: SweepPlanFile) throws -> Int {
    let merge = try SweepMerge(plan: plan, folder: folder, partial: true)
    let added = try store.add(merge.runs, parts: merge.parts)
    for run in merge.runs { records.note(run.record) }
    return added
  }
}
