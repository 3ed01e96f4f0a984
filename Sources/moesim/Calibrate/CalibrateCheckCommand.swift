// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Hardware
import KernelTiming
import Reports

/// `moesim calibrate check`: the errors of a profile on a table of timings.
struct CalibrateCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Print how far a profile's timing laws are from tables of timings.",
    discussion: """
      With --transfer-from the laws of another machine's GPU are judged: shares of the peak rates \
      stay, the rates are those of --profile, latencies follow the clocks.
      """)

  @Argument(help: "Tables of timings (docs/timings-format.md).")
  var tables: [String]

  @Option(help: "The machine to judge, a name of hardware-profiles/ or a path.")
  var profile: String

  @Option(help: "The machine whose GPU's laws are carried over.")
  var transferFrom: String?

  @Flag(help: "Operands were rotated when timing, so that no cache served them.")
  var rotated = false

  @Option(help: "How many of the worst points to list for each law.")
  var worst = 0

  @Option(
    help: "The report's format: \(ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format: ReportFormat = .table

  @Option(name: .shortAndLong, help: "Write the report to a file instead of standard output.")
  var output: String?

  func validate() throws {
    if tables.isEmpty { throw ValidationError("name a table of timings") }
    guard (0...10_000).contains(worst) else { throw ValidationError("--worst is from 0 to 10000") }
  }

  func run() throws {
    try CommandFailure.guarded { try check() }
  }

  private func check() throws {
    let rows = try CalibrationTables.read(tables)
    let target = try CalibrationTables.target(profile, rows: rows)
    var laws = target.laws
    if let transferFrom {
      let origin = try CalibrationTarget(
        try ProfileLibrary.standard().machine(transferFrom), named: transferFrom,
        rowsOf: target.capability.name)
      laws = origin.laws.transferred(from: origin.capability, to: target.capability)
    }
    let check = TimingCheck(
      rows, laws: laws, device: target.capability, isRepeated: !rotated, worst: worst)
    for (name, count) in check.unused {
      StandardError.print("moesim: \(count) rows of \(name) are not judged")
    }
    if check.families.isEmpty { throw CalibrationTables.nothing(in: tables, "be judged") }
    let style = output == nil ? ReportStyle.detected() : ReportStyle()
    let renderer = RecordRenderer(format: format, style: style)
    var text = try renderer.render(
      check.families.map { CheckRecord($0) }, columns: CheckRecord.columns)
    if format == .table, worst > 0 {
      text += "\n" + CheckRecord.worstTable(check).lines(style: style).map { $0 + "\n" }.joined()
    }
    try OutputWriter.write(text, to: output)
  }
}
