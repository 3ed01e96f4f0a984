// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Foundation

/// Reads the results of a plan from the files of its shards.
public struct SweepMerge: Sendable {
  /// Shards that are not finished.
  public struct Unfinished: Error, CustomStringConvertible, Sendable {
    /// Their numbers.
    public var shards: [Int]
    /// All shards.
    public var total: Int
    /// What to do about it.
    public var description: String {
      let names = shards.prefix(8).map(String.init).joined(separator: ", ")
      return "\(shards.count) of \(total) shards are not finished (\(names)"
        + (shards.count > 8 ? ", ..." : "") + "); run 'moesim sweep shard' for them, or merge what"
        + " there is with --partial"
    }
  }

  /// The runs that have ended, in the order of the plan.
  public private(set) var runs: [MergedRun] = []
  /// The files that were read.
  public private(set) var parts: [(name: String, digest: ContentDigest, runs: Int)] = []
  /// Shards that are not finished.
  public private(set) var unfinished: [Int] = []
  /// Lines that were cut off or damaged, of unfinished shards.
  public private(set) var damaged = 0

  /// Reads the results of a plan.
  ///
  /// - Parameters:
  ///   - plan: The plan.
  ///   - folder: Where its shards have written.
  ///   - partial: Whether what unfinished shards have written counts too.
  /// - Throws: ``Unfinished`` where shards are missing and partial results were not asked for, a
  ///   ``RecordCollection/Conflict`` where two attempts at a run differ, and what reading throws.
  public init(plan: SweepPlanFile, folder: String, partial: Bool) throws {
    var paths: [String] = []
    for shard in 0..<plan.header.shards {
      let files = ShardFiles(
        folder: folder, plan: plan.digest, shard: shard, of: plan.header.shards)
      if files.isFinished {
        paths.append(files.final)
      } else {
        unfinished.append(shard)
        paths += files.parts
      }
    }
    var collection = RecordCollection()
    for file in try Self.read(paths) {
      for record in file.contents.records { try collection.add(record) }
      damaged += file.contents.damaged
      parts.append(
        (
          URL(filePath: file.path).lastPathComponent, file.digest, file.contents.records.count
        ))
    }
    guard unfinished.isEmpty || partial else {
      throw Unfinished(shards: unfinished, total: plan.header.shards)
    }
    for index in 0..<plan.count {
      guard let record = collection.record(of: try plan.id(at: index)) else { continue }
      runs.append(
        MergedRun(entry: try plan.entry(at: index), axes: plan.header.axes, record: record))
    }
  }

  private struct PartFile: Sendable {
    var path: String
    var contents: ShardFiles.Contents
    var digest: ContentDigest
  }

  /// Reads files, several at once, and gives them in their order.
  private static func read(_ paths: [String]) throws -> [PartFile] {
    let files = concurrentMap(
      paths.count, workers: ProcessInfo.processInfo.activeProcessorCount
    ) { index in
      Result {
        var contents = ShardFiles.Contents()
        try contents.add(file: paths[index])
        return PartFile(
          path: paths[index], contents: contents, digest: try ContentDigest(ofFile: paths[index]))
      }
    }
    return try files.map { try $0.get() }
  }
}
