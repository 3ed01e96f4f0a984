// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Configuration
import ModelDescriptors
import Reports
import Units

/// `moesim calibrate import`: timings of another tool become moesim's table.
struct CalibrateImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Convert timings of other tools to moesim's table (docs/timings-format.md).",
    discussion: """
      Formats:
      \(TimingImporters.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))

      The table goes to --out or standard output, a summary of what it holds and of what was left \
      out to standard error.
      """)

  @Option(
    help: "The format of the files: \(TimingImporters.all.map(\.name).joined(separator: ", ")).")
  var from: String

  @Argument(help: "Files that the other tool wrote.")
  var files: [String]

  @Option(help: "The device that was measured, where the files do not say it.")
  var device: String?

  @Option(
    help:
      "The model whose shapes were measured: a name in models/ or a config.json (llmservingsim, llama-bench)."
  )
  var model: String?

  @Option(
    help: "The buffer of each copy, where it was not 512 MiB, such as \"64 MiB\" (nvbandwidth).")
  var buffer: String?

  @Option(name: .shortAndLong, help: "The file to write; standard output unless given.")
  var out: String?

  @Option(help: "jsonl or csv; what the name after --out says, or else jsonl.")
  var format: TimingTable.Format?

  func validate() throws {
    guard let importer = TimingImporters.named(from) else {
      let names = TimingImporters.all.map(\.name)
      let hint = closestMatch(to: from, among: names).map { "did you mean '\($0)'? " } ?? ""
      throw ValidationError(
        "--from: unknown format '\(from)'; \(hint)known are \(names.joined(separator: ", "))")
    }
    guard model == nil || importer.usesModel else {
      throw ValidationError("--model says nothing to \(from), whose files give their shapes")
    }
    guard buffer == nil || importer.usesCopyBytes else {
      throw ValidationError("--buffer says nothing to \(from)")
    }
    guard files.allSatisfy({ $0 != "-" }) else {
      throw ValidationError("files are named, since their names say what they hold")
    }
  }

  func run() throws {
    try CommandFailure.guarded {
      guard let importer = TimingImporters.named(from) else { return }
      var options = ImportOptions(device: device)
      options.model = try model.map { try ModelDescriptor.named($0) }
      options.copyBytes = try buffer.map(bytes)
      let result = try TimingImporters.read(files, with: importer, options: options)
      let format = format ?? out.flatMap { TimingTable.Format(extensionOf: $0) } ?? .jsonLines
      let target = try out.map { try OutputWriter(path: $0) } ?? .standardOutput()
      try TimingTable.write(result.rows, as: format) { line in
        if !target.readerHasGone { try target.write(line) }
      }
      try target.finish()
      summarise(result)
    }
  }

  private func bytes(_ text: String) throws -> Int {
    let value: Double
    do { value = try Quantity(parsing: text, as: .bytes).value } catch {
      throw ValidationError("--buffer: \(error)")
    }
    guard value >= 1, value <= 0x1p50 else {
      throw ValidationError("--buffer: expected a size from 1 B; found '\(text)'")
    }
    return Int(value.rounded())
  }

  private func summarise(_ result: ImportedTimings) {
    let count = result.rows.count
    StandardError.print("\(count) row\(count == 1 ? "" : "s") from \(from)")
    for line in TimingSummary(result.rows).lines { StandardError.print("  \(line)") }
    for skipped in result.skipped {
      StandardError.print("  left out: \(skipped.count) × \(skipped.reason)")
    }
  }
}

extension TimingTable.Format: ExpressibleByArgument {}
