// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Calibration

@Suite struct MeasurementLogTests {
  static func row(_ bytes: Int) -> KernelMeasurement {
    var row = KernelMeasurement(device: "D", kernel: .copy, median: 0.5, source: "S")
    row.bytes = bytes
    row.direction = "h2h"
    row.repeats = 3
    return row
  }

  static func withPath(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory
      .appending(path: "moesim-log-\(UUID().uuidString).jsonl").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  static func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  @Test("Rows are in the file as soon as they are appended, one line each")
  func appends() throws {
    try Self.withPath { path in
      let log = try MeasurementLog(path: path, resumes: false)
      try log.append(Self.row(1))
      #expect(try Self.text(path).hasSuffix("}\n"))
      try log.append(Self.row(2))
      #expect(try TimingTable.read(path) == [Self.row(1), Self.row(2)])
    }
  }

  @Test("A file that exists is gone on with only when that is asked for")
  func resumes() throws {
    try Self.withPath { path in
      try MeasurementLog(path: path, resumes: true).append(Self.row(1))
      let error = #expect(throws: ComputeError.self) {
        try MeasurementLog(path: path, resumes: false)
      }
      #expect(error?.description.contains("--resume") == true)
      let log = try MeasurementLog(path: path, resumes: true)
      #expect(log.existing == [Self.row(1)])
      #expect(!log.hadTornLine)
      try log.append(Self.row(2))
      #expect(try TimingTable.read(path) == [Self.row(1), Self.row(2)])
    }
  }

  @Test("A torn last line is dropped, whether or not whole ones stand before it")
  func dropsTornLines() throws {
    for whole in [0, 2] {
      try Self.withPath { path in
        let rows = (0..<whole).map { Self.row($0 + 1) }
        let lines = rows.map { TimingTable.jsonLine($0) + "\n" }.joined()
        try Data((lines + #"{"device":"D","ker"#).utf8).write(to: URL(filePath: path))
        let log = try MeasurementLog(path: path, resumes: true)
        #expect(log.hadTornLine)
        #expect(log.existing == rows)
        try log.append(Self.row(9))
        #expect(try TimingTable.read(path) == rows + [Self.row(9)])
      }
    }
  }

  @Test("A broken line before others is told of with its place, and nothing is lost")
  func refusesBrokenLines() throws {
    try Self.withPath { path in
      let content = TimingTable.jsonLine(Self.row(1)) + "\nnonsense\n"
      try Data(content.utf8).write(to: URL(filePath: path))
      let error = #expect(throws: (any Error).self) {
        try MeasurementLog(path: path, resumes: true)
      }
      #expect(error.map { "\($0)".contains("\(path):2:") } == true)
      #expect(try Self.text(path) == content)
    }
  }
}
