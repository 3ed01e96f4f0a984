// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Calibration

/// Real measurements, as short as can be; what they measure is not judged.
@Suite(.serialized) struct MeasuringTests {
  private let machine: MachineDescription
  private var settings: MeasurementSettings

  init() {
    machine = MachineDescription.current()
    settings = MeasurementSettings(machine: machine, isQuick: true)
    // Enough that a busy machine times some points of each kind, and no more.
    settings.seconds = 5
    settings.secondsPerPoint = 0.001
    settings.minimumRepeats = 3
    settings.memory = 64 << 20
    settings.threads = [1, 2]
    settings.folder = FileManager.default.temporaryDirectory.path
  }

  private func check(_ rows: [KernelMeasurement], _ session: MeasurementSession) {
    #expect(!rows.isEmpty)
    #expect(Set(rows.map(\.point)).count == rows.count, "Each point is timed once.")
    #expect(rows.allSatisfy { $0.median > 0 && $0.repeats! >= 3 && !$0.source.isEmpty })
    #expect(session.summary().contains { $0.contains("points timed") })
  }

  @Test("Memory is measured")
  func measuresMemory() throws {
    var rows: [KernelMeasurement] = []
    let session = MeasurementSession(settings: settings, sink: { rows.append($0) })
    try session.run(MemoryMeasurement(machine: machine, settings: settings).groups())
    check(rows, session)
    #expect(rows.contains { $0.kernel == .copy && $0.direction == "h2h" && $0.pinned == false })
    #expect(rows.contains { $0.kernel == .stream })
  }

  @Test("A drive is measured by a file that leaves nothing behind")
  func measuresDrives() throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "moesim-measuring-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file: DriveFile
    do {
      file = try DriveFile(folder: folder, bytes: 64 << 20)
    } catch let error as ComputeError {
      #expect(error.description.contains("choose"), "Whoever cannot measure says what to choose.")
      print("skipped: \(error)")
      return
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    var rows: [KernelMeasurement] = []
    let session = MeasurementSession(settings: settings, sink: { rows.append($0) })
    let drive = DriveMeasurement(file: file, settings: settings)
    try session.withReference("it", try drive.reference()) { try session.run(drive.groups()) }
    check(rows, session)
    #expect(session.drifts.count == 1)
  }

  @Test("Processors are measured with what libraries there are")
  func measuresProcessors() throws {
    var machine = machine
    machine.lastLevelCache = 1 << 20
    var rows: [KernelMeasurement] = []
    let session = MeasurementSession(settings: settings, sink: { rows.append($0) })
    var complaints: [String] = []
    let groups = ProcessorMeasurement(machine: machine, settings: settings).groups {
      complaints.append($0)
    }
    #expect(complaints.allSatisfy { $0.contains("apt-get install") })
    try session.run(groups)
    check(rows, session)
    #expect(rows.contains { $0.kernel == .launch } && rows.contains { $0.kernel == .elementwise })
  }

  @Test("All places of a file are visited before one is visited again, in sequence or by jumps")
  func visitsAllPlaces() {
    for (count, isRandom) in [(1, true), (2, true), (12, true), (97, true), (12, false)] {
      var places = DriveMeasurement.Places(
        fileBytes: count * 4096 + 100, size: 4096, isRandom: isRandom, start: 5)
      let visited = (0..<count).map { _ in places.next() }
      #expect(Set(visited) == Set((0..<count).map { $0 * 4096 }))
      if !isRandom { #expect(visited.first == 5 * 4096 && visited.last == 4 * 4096) }
    }
  }

  @Test("Folders in memory are refused, as are those without room or rights")
  func refusesFolders() {
    if FileManager.default.fileExists(atPath: "/dev/shm") {
      #expect(throws: ComputeError.self) { try DriveFile(folder: "/dev/shm", bytes: 64 << 20) }
    }
    #expect(throws: ComputeError.self) { try DriveFile(folder: "/nowhere", bytes: 64 << 20) }
    let error = #expect(throws: ComputeError.self) {
      try DriveFile(folder: FileManager.default.temporaryDirectory.path, bytes: 1 << 60)
    }
    #expect(error?.description.contains("--budget-disk") == true)
  }

  @Test("Without its program, the measurement of a GPU says how to build it")
  func tellsOfAbsentProgram() {
    let error = #expect(throws: ComputeError.self) {
      try CudaProgram(root: "/nowhere").run(output: nil, isQuick: true)
    }
    #expect(error?.description.contains("make -C calibration/cuda") == true)
    #expect(error?.description.contains("nvcc") == true)
  }

  @Test("The program of a GPU is given its arguments, and its failure is told of")
  func runsProgram() throws {
    let root = FileManager.default.temporaryDirectory
      .appending(path: "moesim-cuda-\(UUID().uuidString)").path
    let folder = "\(root)/calibration/cuda"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let script = "#!/bin/sh\necho \"$@\" > \(root)/arguments\nexit \"$(cat \(root)/code)\"\n"
    try script.write(toFile: "\(folder)/measure", atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: "\(folder)/measure")
    try "0".write(toFile: "\(root)/code", atomically: true, encoding: .utf8)
    try CudaProgram(root: root).run(output: "rows.jsonl", isQuick: true)
    let arguments = try String(contentsOfFile: "\(root)/arguments", encoding: .utf8)
    #expect(arguments == "--out rows.jsonl --quick\n")
    try "3".write(toFile: "\(root)/code", atomically: true, encoding: .utf8)
    let error = #expect(throws: ComputeError.self) {
      try CudaProgram(root: root).run(output: nil, isQuick: false)
    }
    #expect(error?.description.contains("status 3") == true)
  }
}
