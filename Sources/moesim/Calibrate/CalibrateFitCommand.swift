// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Configuration
import Foundation
import Hardware
import Reports

/// `moesim calibrate fit`: timing laws of a device from a table of timings.
struct CalibrateFitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Fit a device's timing laws to tables of timings.",
    discussion: """
      For each law the table shows errors on shapes that the fit had not seen: shapes are dealt into \
      parts, each part is predicted by a fit of the others. The machine that --out writes lays the \
      fitted laws, with these errors, over the one of --profile.
      """)

  @Argument(help: "Tables of timings (docs/timings-format.md).")
  var tables: [String]

  @Option(help: "The machine, a name of hardware-profiles/ or a path, whose device was timed.")
  var profile: String

  @Option(name: .customLong("out"), help: "Write the machine with the fitted laws to a file.")
  var output: String?

  @Flag(help: "Write the laws alone to --out, for a part's 'timing: FILE'.")
  var lawsOnly = false

  @Option(help: "A folder to write a report with biases and a plot to.")
  var report: String?

  @Option(help: "Of several kernels for one law, take the one whose name contains this text.")
  var prefer: String?

  @Option(help: "Parts of the cross-validation.")
  var folds = 5

  @Option(help: "The seed by which shapes are dealt into parts.")
  var seed: UInt64 = 1

  @Flag(help: "Operands were rotated when timing, so that no cache served them.")
  var rotated = false

  @Option(
    help:
      "The format on standard output: \(ReportFormat.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var format: ReportFormat = .table

  func validate() throws {
    if tables.isEmpty { throw ValidationError("name a table of timings") }
    guard (2...100).contains(folds) else { throw ValidationError("--folds is from 2 to 100") }
    if lawsOnly, output == nil { throw ValidationError("--laws-only needs --out") }
  }

  func run() throws {
    try CommandFailure.guarded { try fit() }
  }

  private func fit() throws {
    let rows = try CalibrationTables.read(tables)
    let target = try CalibrationTables.target(profile, rows: rows)
    let resources = try MeasuredResources(rows)
    var calibrator = Calibrator(
      device: resources.applied(to: target.capability, of: target.kind),
      base: target.standardLaws)
    calibrator.folds = folds
    calibrator.seed = seed
    calibrator.isRepeated = !rotated
    calibrator.preferred = prefer
    let source = CalibrationTables.source(of: rows)
    let outcome = try calibrator.fit(rows, source: "fitted to \(source)")
    for (name, count) in outcome.unused where !MeasuredResources.kernels.contains(name) {
      StandardError.print("moesim: \(count) rows of \(name) are not fitted")
    }
    for line in resources.lines { StandardError.print("moesim: \(line)") }
    if outcome.fits.isEmpty, resources.isEmpty || lawsOnly {
      throw CalibrationTables.nothing(in: tables, "be fitted")
    }
    let records = outcome.fits.map { FitRecord($0) }
    let renderer = RecordRenderer(format: format, style: .detected())
    try OutputWriter.write(try renderer.render(records, columns: FitRecord.columns))
    if let report {
      try CalibrationReport(outcome, device: target.capability.name, tables: tables).write(
        to: report)
      StandardError.print("moesim: wrote the report to \(report)")
    }
    guard let output else { return }
    let text: String
    if lawsOnly {
      text = "# SPDX-License-Identifier: GPL-3.0-or-later\n" + outcome.laws.yaml()
    } else {
      let name = URL(filePath: output).deletingPathExtension().lastPathComponent
      text = target.machineFile(
        outcome.fits.isEmpty ? nil : outcome.laws, resources: resources, name: name,
        summary: "\(profile) with what \(rows.count) timings say", source: source)
    }
    try OutputWriter.write(text, to: output)
    StandardError.print("moesim: wrote \(output)")
  }
}

/// What several commands do with tables of timings.
enum CalibrationTables {
  /// The rows of all tables, in order.
  static func read(_ paths: [String]) throws -> [KernelMeasurement] {
    try paths.flatMap { try TimingTable.read($0) }
  }

  /// The device of a machine that the rows are of; says so where their names differ.
  static func target(_ profile: String, rows: [KernelMeasurement]) throws -> CalibrationTarget {
    // Drives and memories have names of their own.
    let devices = Set(
      rows.filter { !MeasuredResources.kernels.contains($0.kernel.rawValue) }.map(\.device)
    ).sorted()
    let machine = try ProfileLibrary.standard().machine(profile)
    let target = try CalibrationTarget(
      machine, named: profile, rowsOf: devices.first ?? machine.cpu.name)
    for device in devices where !target.isNamed(device) {
      StandardError.print(
        "moesim: the timings are of \(device), the profile's device is \(target.capability.name)")
    }
    return target
  }

  /// The error of tables without a row that a law describes.
  static func nothing(in paths: [String], _ what: String) -> Diagnostic {
    Diagnostic(
      location: nil, message: "\(paths.joined(separator: ", ")): no rows that can \(what)")
  }

  /// Who measured what and when, from the rows.
  static func source(of rows: [KernelMeasurement]) -> String {
    let sources = Set(rows.map(\.source)).sorted()
    let dates = Set(rows.compactMap(\.date)).sorted()
    let when = dates.first.map { first in
      dates.count > 1 ? ", \(first) to \(dates[dates.count - 1])" : ", \(first)"
    }
    let named = sources.prefix(4).joined(separator: "; ")
    let more = sources.count > 4 ? " and \(sources.count - 4) more" : ""
    return "\(rows.count) timings of \(named)\(more)\(when ?? "")"
  }
}
