// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation
import KernelTiming
import ModelDescriptors
import Units
import Testing

@testable import Reports

/// What a fit's report says.
@Suite struct CalibrationReportTests {
  static func outcome(columns: [Int]) throws -> Calibrator.Outcome {
    let device = DeviceCapability(
      name: "round", peaks: [.fp32: .init(nominal: 1e13), .fp16: .init(nominal: 1e14)],
      bandwidth: .init(nominal: 1e12))
    var rows: [KernelMeasurement] = []
    for n in columns {
      for m in [2, 8, 64, 512, 4_096] {
        var row = KernelMeasurement(device: "round", kernel: .gemm, median: 1, source: "made up")
        (row.m, row.n, row.k) = (m, n, 4_096)
        row.median = 5e-6 + 2.1e-12 * Double(n * 4_096) + 2.2e-14 * Double(m * n * 4_096)
        rows.append(row)
      }
    }
    return try Calibrator(device: device, base: .datasheet).fit(rows, source: "made up")
  }

  @Test func `It has the errors by size, the parameters, and a plot with the same numbers`() throws
  {
    let outcome = try Self.outcome(columns: [512, 1_024, 2_048, 4_096, 8_192, 16_384])
    let folder = FileManager.default.temporaryDirectory.appending(path: "moesim-\(UUID())/deep")
    defer { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }
    let report = CalibrationReport(outcome, device: "round", tables: ["a.csv", "b.csv"])
    try report.write(to: folder.path)
    let text = try String(contentsOf: folder.appending(path: "report.md"), encoding: .utf8)
    #expect(text == report.markdown)
    #expect(text.contains("# Timing laws of round") && text.contains("Tables: a.csv, b.csv."))
    #expect(!text.contains("nothing was held out"))
    let fit = try #require(outcome.families.first)
    for (name, _) in fit.law.parameters { #expect(text.contains("| \(name) |"), "\(name)") }
    let rows = text.split(separator: "\n").filter { $0.contains("–") }
    #expect(rows.count == fit.heldOut.biases.count)
    let plot = try JSONSerialization.jsonObject(
      with: Data(contentsOf: folder.appending(path: "errors.vl.json")))
    let data = (plot as? [String: Any])?["data"] as? [String: Any]
    let values = try #require(data?["values"] as? [[String: Any]])
    // Numbers come back from JSON within their last digit.
    #expect(values.count == fit.heldOut.biases.count)
    for (value, bias) in zip(values, fit.heldOut.biases) {
      let error = try #require(value["error"] as? Double)
      let signed = try #require(value["bias"] as? Double)
      #expect(abs(error - bias.absolute) < 1e-12 && abs(signed - bias.median) < 1e-12)
    }
  }

  @Test func `A folder that cannot be made is told`() throws {
    let report = CalibrationReport(try Self.outcome(columns: [512]), device: "d", tables: [])
    let error = try #require(throws: WriteFailure.self) { try report.write(to: "/dev/null/x") }
    #expect(error.target == "/dev/null/x")
  }
}
