// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Dispatch
import Experiments
import Foundation
import Studies

/// `moesim sweep shard`: the runs of one shard of a plan.
struct SweepShardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shard", abstract: "Run one shard of a plan, or several.",
    discussion: """
      Results go to a part file in the folder, which gets the shard's final name when all its runs \
      have ended. Running a shard again goes on where it stopped; a finished shard is left alone. \
      SIGINT and SIGTERM have the runs under way end first.
      """)

  @Argument(help: "The plan's file.")
  var plan: String

  @Option(
    name: .customLong("index"),
    help: ArgumentHelp("The shard and the number of shards. Repeatable.", valueName: "i/n"))
  var indices: [String]

  @Option(help: "The folder for part files.")
  var out: String

  @Option(help: "Runs at once.")
  var threads: Int = 1

  @Flag(help: "Die when the process that started this one dies.")
  var dieWithParent = false

  func validate() throws {
    guard (1...1024).contains(threads) else {
      throw ValidationError("--threads \(threads): expected 1 to 1024.")
    }
  }

  func run() throws {
    try CommandFailure.guarded {
      if dieWithParent { WorkerProcess.dieWithParent() }
      let plan = try SweepPlanFile(path: plan)
      let (read, library) = (ShardRunner.ReadFiles(), DataLibrary.standard)
      let runners = try indices.map {
        ShardRunner(
          plan: plan, shard: try shard($0, of: plan), folder: out, threads: threads, read: read,
          library: library)
      }
      let sources = (dieWithParent ? [SIGTERM] : [SIGTERM, SIGINT]).map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { runners.forEach { $0.stop() } }
        source.resume()
        return source
      }
      defer { sources.forEach { $0.cancel() } }
      for (index, runner) in zip(indices, runners) {
        let end = try runner.run(marksCrashes: true)
        guard case .stopped(let left) = end else { continue }
        StandardError.print(
          "moesim: stopped with \(left) runs of shard \(index) left; run it again to go on")
        throw CommandFailure.interrupted
      }
    }
  }

  /// The shard's number, from 0, after checking that the plan has as many shards as was said.
  private func shard(_ index: String, of plan: SweepPlanFile) throws -> Int {
    let parts = index.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let number = Int(parts[0]), let total = Int(parts[1]) else {
      throw ValidationError("--index '\(index)': expected a number and a total such as 3/64.")
    }
    guard total == plan.header.shards else {
      throw ValidationError(
        "--index '\(index)': the plan has \(plan.header.shards) shards; expected i/\(plan.header.shards)."
      )
    }
    guard (0..<total).contains(number) else {
      throw ValidationError("--index '\(index)': expected 0/\(total) to \(total - 1)/\(total).")
    }
    return number
  }
}
