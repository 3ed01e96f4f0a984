// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Foundation
import Reports

/// `moesim calibrate measure`: times of this machine's processor, memory, drive or GPU.
struct CalibrateMeasureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "measure",
    abstract: "Time this machine's processor, memory, drive or GPU.",
    discussion: """
      Rows of a table of timings go to --out, or to standard output, as they come, one line of JSON \
      each. An interrupted run keeps what it has; --resume goes on where it stopped. How noisy the \
      times are and how far the machine drifted is told on standard error at the end.

      cpu needs OpenBLAS and, for bf16 and int8, oneDNN: 'make setup-calibration' installs them. \
      cuda runs the program that 'make -C calibration/cuda' builds.
      """)

  /// What is measured.
  enum Target: String, CaseIterable, ExpressibleByArgument {
    case cpu, memory, drive, cuda
  }

  @Option(name: .customLong("on"), help: "What to time: cpu, memory, drive, cuda.")
  var target: Target

  @Option(name: [.customLong("out"), .short], help: "A file to write rows to.")
  var output: String?

  @Flag(help: "Go on with the rows in --out; points that are there are not timed again.")
  var resume = false

  @Flag(help: "Few shapes, and less time for each.")
  var quick = false

  @Option(help: "Seconds for the whole run.")
  var seconds: Double?

  @Option(help: "The folder of the file that a drive is timed with.")
  var folder: String = "."

  @Option(help: "Size of that file [GiB]; by default 4, with --quick 1.")
  var budgetDisk: Double?

  @Option(help: "Memory to use at most [GiB]; by default a quarter of what is free, 16 at most.")
  var budgetMemory: Double?

  @Option(help: "Numbers of threads, with commas; by default 1, 2, 4... and all.")
  var threads: String?

  @Flag(name: .customLong("no-progress"), help: "Show no progress on standard error.")
  var hidesProgress = false

  func validate() throws {
    if resume, output == nil { throw ValidationError("--resume needs --out") }
    if let seconds, !(seconds > 0) { throw ValidationError("--seconds is above 0") }
    if let budgetDisk, !(budgetDisk >= 0.0625 && budgetDisk <= 4096) {
      throw ValidationError("--budget-disk is from 0.0625 to 4096 GiB")
    }
    if let budgetMemory, !(budgetMemory >= 0.0625 && budgetMemory <= 65536) {
      throw ValidationError("--budget-memory is from 0.0625 to 65536 GiB")
    }
    if threads != nil { _ = try threadCounts() }
    if target == .cuda {
      if resume || seconds != nil || budgetDisk != nil || budgetMemory != nil || threads != nil {
        throw ValidationError("with --on cuda there are only --out and --quick")
      }
    }
  }

  private func threadCounts() throws -> [Int]? {
    guard let threads else { return nil }
    let counts = threads.split(separator: ",", omittingEmptySubsequences: false).map {
      Int($0.trimmingCharacters(in: .whitespaces)) ?? 0
    }
    guard !counts.isEmpty, counts.allSatisfy({ (1...1024).contains($0) }),
      Set(counts).count == counts.count
    else { throw ValidationError("--threads is a list of different numbers from 1 to 1024") }
    return counts
  }

  func run() throws {
    try CommandFailure.guarded {
      if target == .cuda {
        try CudaProgram().run(output: output, isQuick: quick)
        return
      }
      let machine = MachineDescription.current()
      var settings = MeasurementSettings(machine: machine, isQuick: quick)
      settings.seconds = seconds
      settings.folder = folder
      settings.threads = try threadCounts() ?? settings.threads
      if let budgetDisk { settings.disk = Int(budgetDisk * Double(1 << 30)) }
      if let budgetMemory { settings.memory = Int(budgetMemory * Double(1 << 30)) }
      let log = try MeasurementLog(path: output, resumes: resume)
      if log.hadTornLine { StandardError.print("moesim: a torn last line was dropped") }
      var display = ProgressDisplay(isWanted: !hidesProgress)
      let session = MeasurementSession(
        settings: settings, existing: log.existing,
        progress: {
          display.update(
            Progress(
              done: Double($0.done), total: Double($0.total), unit: "points", detail: $0.detail))
        }, sink: log.append)
      try measure(session, machine)
      display.finish()
      for line in session.summary() { StandardError.print(line) }
    }
  }

  private func measure(_ session: MeasurementSession, _ machine: MachineDescription) throws {
    let settings = session.settings
    switch target {
    case .drive:
      let file = try DriveFile(folder: folder, bytes: settings.disk)
      let drive = DriveMeasurement(file: file, settings: settings)
      try session.withReference("a read of 128 MiB, 8 pieces at once,", try drive.reference()) {
        try session.run(drive.groups())
      }
    case .memory, .cpu:
      let memory = MemoryMeasurement(machine: machine, settings: settings)
      let groups =
        target == .memory
        ? memory.groups()
        : ProcessorMeasurement(machine: machine, settings: settings).groups {
          StandardError.print("moesim: \($0)")
        }
      let reference = try memory.reference()
      try session.withReference("a read of memory by all threads", reference) {
        try session.run(groups)
      }
    case .cuda: break
    }
  }
}
