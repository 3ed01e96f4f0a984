// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Records
import Reports
import Studies

/// `moesim sweep status`: how far the shards of a plan have come.
struct SweepStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Say how far the shards of a plan have come, by their files.")

  @Argument(help: "The folder of part files.")
  var folder: String

  @Option(help: "The plan's file.")
  var plan: String

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try CommandFailure.guarded {
      let status = try SweepStatus(plan: try SweepPlanFile(path: plan), folder: folder)
      if json {
        return try OutputWriter.write(try JSONText.text(encoding: status) + "\n")
      }
      var lines = ["\(status.done) of \(status.runs) runs have ended"]
      let kinds = RunRecord.Status.allCases.compactMap { kind in
        status.statuses[kind.rawValue].map { "\($0) \(kind.rawValue)" }
      }
      if !kinds.isEmpty { lines[0] += " (" + kinds.joined(separator: ", ") + ")" }
      if let rate = status.runsPerSecond {
        lines[0] += String(format: ", %.2f runs/s", rate)
        if !status.isFinished, let left = status.secondsLeft {
          lines[0] += String(format: ", about %.0f s left", left)
        }
      }
      for state in [SweepStatus.Shard.State.finished, .started, .waiting] {
        let shards = status.shards.filter { $0.state == state }
        guard !shards.isEmpty else { continue }
        lines.append("\(shards.count) of \(status.shards.count) shards \(state.rawValue)")
        guard state == .started else { continue }
        for shard in shards {
          lines.append(
            "  shard \(shard.shard): \(shard.done) of \(shard.runs) runs, \(shard.attempts) attempts"
              + (shard.idleSeconds.map { String(format: ", last line %.0f s ago", $0) } ?? ""))
        }
      }
      try OutputWriter.write(lines.joined(separator: "\n") + "\n")
    }
  }
}
