// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Foundation
import TestSupport

@testable import Studies

/// A small scenario, a folder of its own, and an engine in this process.
struct StudyFixture: ~Copyable {
  /// A folder that goes with the fixture.
  let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "study-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// The data that the checkout ships.
  static let library = DataLibrary(roots: [Checkout.root.path])

  /// A scenario of one machine and few tokens.
  static let scenario = """
    hardware: rtx-4090-desktop
    model: mixtral-8x7b
    precision: {experts: int4}
    cache: {experts: 50%}
    workload:
      arrivals: {process: poisson, rate: 0.2/s}
      lengths:
        prompt: {distribution: constant, value: 8}
        output: {distribution: uniform, min: 1, max: 4}
      requests: 12
    """

  /// A study of the scenario with further text behind it.
  static func study(_ more: String = "", file: String = "study.yaml") throws -> Study {
    try StudyReader.read(
      try ConfigurationNode.parse(scenario + "\n" + more, file: file), file: file)
  }

  /// A plan of a study of which nothing is known, in a file.
  func plan(_ study: Study, shards: Int) throws -> SweepPlanFile {
    let planner = try SweepPlanner(study, library: Self.library)
    let written = try SweepPlanFile(
      writing: try planner.plan(after: RecordCollection(), shards: shards), to: folder)
    // A shard's process reads it from the file.
    return try SweepPlanFile(path: written.path)
  }

  /// Runs all shards of a plan in this process.
  func runAll(_ plan: SweepPlanFile, in subfolder: String, threads: Int = 1) throws {
    for shard in 0..<plan.header.shards {
      _ = try ShardRunner(
        plan: plan, shard: shard, folder: "\(folder)/\(subfolder)", threads: threads,
        library: Self.library
      ).run()
    }
  }

  /// The results of a plan as lines, as `moesim sweep merge -o x.jsonl` writes them.
  func merged(_ plan: SweepPlanFile, in subfolder: String) throws -> [String] {
    try SweepMerge(plan: plan, folder: "\(folder)/\(subfolder)", partial: false).runs
      .map(\.record.line)
  }
}

/// Runs shards one after the other in this process.
struct InProcessEngine: SweepEngine {
  var threads = 1

  func run(plan: SweepPlanFile, folder: String, control: SweepControl) throws {
    for shard in 0..<plan.header.shards where control.demand == .goOn {
      _ = try ShardRunner(
        plan: plan, shard: shard, folder: folder, threads: threads, library: StudyFixture.library
      ).run()
    }
  }
}
