// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Experiments
import Foundation
import Reports
import Units

/// `moesim rehearse`: executes a scenario's steps on this machine and compares with the simulation.
struct RehearseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rehearse",
    abstract: "Execute a scenario's steps on this machine, and compare with their simulation.",
    discussion: """
      Experts of random weights and true sizes are read from a file past the page cache into a cache \
      in memory, as the scenario's policy decides; attention, gates, experts and head are computed on \
      real buffers. The machine is measured before and after; a run during which it drifts is \
      repeated. What exceeds the budget is refused with exit code 3. See docs/rehearse.md.
      """)

  @Argument(help: "The scenario: a file, or a name in scenarios/.")
  var scenario: String

  @Option(
    name: .customLong("set"),
    help: "Set a key of the scenario, e.g. --set policy.eviction=lfu. Repeatable.")
  var overrides: [String] = []

  @Option(help: "What may be used, e.g. disk=8GiB,memory=6GiB,seconds=120, which is the default.")
  var budget: String?

  @Option(
    help: "Hold reads to a rate below the drive's, e.g. '400 MB/s'; the simulated drive has it too."
  )
  var paced: String?

  @Option(
    name: .customLong("paced-memory"),
    help: "Copy experts from memory at this rate instead of reading the drive.")
  var pacedMemory: String?

  @Option(
    help: """
      Who decides what is fetched and evicted: live (the execution, with the same rule), simulated \
      (its decisions are followed), auto (live where nothing is fetched ahead).
      """)
  var decisions: RehearsalOptions.Decisions = .auto

  @Option(help: "Threads of products and attention.")
  var threads: Int = 1

  @Option(
    help:
      "Reads under way at once, each in a thread of its own; the simulated drive serves as many.")
  var readers: Int = 1

  @Option(
    help: "Take the processor's timing and the drive's rate from earlier measurements (JSON Lines)."
  )
  var timings: String?

  @Option(
    name: .customLong("write-timings"),
    help: "Write what was measured before and after (JSON Lines).")
  var writesTimings: String?

  @Option(help: "The folder of the file of experts, on the drive that is to be read.")
  var folder: String = FileManager.default.temporaryDirectory.path

  @Flag(help: "Leave the file of experts there, for the next run.")
  var keep = false

  @Option(help: "How often it is executed at most, when the machine drifts by more than 15 %.")
  var attempts: Int = 2

  @Option(
    help: "The report's format: \(ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format: ReportFormat = .table

  @Option(name: .shortAndLong, help: "Write the report to a file instead of standard output.")
  var output: String?

  @Option(help: "Write both timelines into a file that opens in Perfetto.")
  var timeline: String?

  @Flag(name: .customLong("no-progress"), help: "Show no progress on standard error.")
  var hidesProgress = false

  func validate() throws {
    if paced != nil && pacedMemory != nil {
      throw ValidationError("--paced and --paced-memory are two sources; one can be rehearsed")
    }
    for (name, value) in [("threads", threads), ("readers", readers), ("attempts", attempts)]
    where !(1...64).contains(value) {
      throw ValidationError("--\(name) \(value) is not from 1 to 64")
    }
  }

  func run() throws {
    try CommandFailure.guarded { try rehearse() }
  }

  private func rehearse() throws {
    let options = try options()
    let scenario = try Scenario.load(self.scenario, overrides: overrides)
    let study = try RehearsalStudy(scenario, options: options)
    let writer = try timeline.map { try ChromeTraceWriter(path: $0) }
    var display = ProgressDisplay(isWanted: !hidesProgress)
    var outcome = try study.run { progress in
      switch progress {
      case .writing(let share):
        display.update(Progress(done: share * 100, total: 100, unit: "% of the experts written"))
      case .measuring:
        display.update(Progress(done: 0, total: 0, unit: "measurements of the machine"))
      case .executing(let attempt):
        display.update(Progress(done: Double(attempt), total: 0, unit: "executions"))
      }
    }
    display.finish()
    if let writer {
      RehearsalTimeline.write(outcome, to: writer)
      outcome.report.notices += try writer.finish().notices
    }
    if let writesTimings {
      let text = TimingTable.text(outcome.measurements, as: .jsonLines)
      try OutputWriter.write(text, to: writesTimings)
    }
    let style = output == nil ? ReportStyle.detected() : ReportStyle()
    let renderer = RehearsalRenderer(format: format, style: style)
    try OutputWriter.write(renderer.render(outcome.report), to: output)
  }

  private func options() throws -> RehearsalOptions {
    var options = RehearsalOptions(folder: folder)
    options.decisions = decisions
    options.keepsFile = keep
    options.repeats = attempts
    options.settings.computeThreads = threads
    options.settings.readers = readers
    if let rate = pacedMemory ?? paced {
      options.settings.pace = try Self.quantity(rate, .bytesPerSecond, option: "paced")
      options.settings.source = pacedMemory == nil ? .drive : .memory
    }
    if let budget { options.budget = try Self.budget(budget) }
    if let timings { options.timings = try TimingTable.read(timings) }
    let machine = MachineDescription.current()
    options.device = machine.processor
    options.date = Date.now.formatted(.iso8601.year().month().day())
    return options
  }

  private static func quantity(
    _ text: String, _ dimension: Units.Dimension, option: String
  ) throws -> Double {
    do {
      let value = try Quantity(parsing: text, as: dimension).value
      guard value > 0 else { throw ValidationError("--\(option) \(text) is not above zero") }
      return value
    } catch let error as QuantityError {
      throw ValidationError("--\(option) '\(text)': \(error)")
    }
  }

  /// Reads `disk=8GiB,memory=6GiB,seconds=60`.
  private static func budget(_ text: String) throws -> RehearsalBudget {
    var budget = RehearsalBudget()
    for part in text.split(separator: ",") {
      let pair = part.split(separator: "=", maxSplits: 1).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      guard pair.count == 2 else {
        throw ValidationError("--budget '\(part)' is not of the form disk=8GiB")
      }
      switch pair[0] {
      case "disk": budget.disk = Int64(try quantity(pair[1], .bytes, option: "budget"))
      case "memory": budget.memory = Int64(try quantity(pair[1], .bytes, option: "budget"))
      case "seconds":
        guard let seconds = Double(pair[1]), seconds > 0 else {
          throw ValidationError("--budget seconds=\(pair[1]) is no number above zero")
        }
        budget.seconds = seconds
      default:
        throw ValidationError(
          "--budget knows disk, memory and seconds, not '\(pair[0])'")
      }
    }
    return budget
  }
}

extension RehearsalOptions.Decisions: ExpressibleByArgument {}
