// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Configuration

/// Reads tables of measured serving points (docs/observe-points.md).
public enum ServingPointTable {
  /// The columns that must be there.
  static let required = [
    "id", "backend", "model_path", "system", "mode", "isl", "osl", "tp_size", "silicon_ttft_ms",
    "silicon_tpot_ms",
  ]

  /// Reads a table.
  ///
  /// - Throws: `MissingFile` when there is none; `Diagnostics` with what is wrong, by line and column.
  public static func read(_ path: String) throws -> [ServingPoint] {
    try read(bytes: try CSVLines.bytes(of: path), file: path)
  }

  /// Reads a table from memory; `file` is its name in messages.
  static func read(bytes: [UInt8], file: String) throws -> [ServingPoint] {
    var lines = CSVLines(bytes: bytes, file: file)
    guard try lines.next() else {
      throw Diagnostics([lines.diagnostic("is empty; expected a table of serving points")])
    }
    let header = lines.fields
    let missing = required.filter { !header.contains($0) }
    guard missing.isEmpty else {
      throw Diagnostics([
        lines.diagnostic(
          "lacks the column\(missing.count == 1 ? "" : "s") \(missing.joined(separator: ", ")); "
            + "expected a table of serving points (docs/observe-points.md)")
      ])
    }
    let collector = DiagnosticCollector()
    var points: [ServingPoint] = []
    while try lines.next() {
      guard lines.fields.count == header.count else {
        collector.report(
          lines.diagnostic("has \(lines.fields.count) fields; the header has \(header.count)"))
        continue
      }
      let row = Row(lines: lines, header: header, collector: collector)
      if let point = row.point() { points.append(point) }
    }
    try collector.throwIfAny()
    return points
  }

  /// One record with its header.
  private struct Row {
    let lines: CSVLines
    let header: [String]
    let collector: DiagnosticCollector

    func text(_ column: String) -> String {
      header.firstIndex(of: column).map { lines.fields[$0] } ?? ""
    }

    private func report(_ column: String, _ message: String) {
      collector.report(
        lines.diagnostic(message, field: header.firstIndex(of: column), key: column))
    }

    /// A whole number; `nil` where the field is empty or, after reporting, wrong.
    func integer(_ column: String) -> Int? {
      let text = text(column)
      if text.isEmpty { return nil }
      if let value = Int(text), (0...(1 << 40)).contains(value) { return value }
      report(column, "'\(text.prefix(40))' is no whole number from 0")
      return nil
    }

    func positive(_ column: String) -> Double? {
      let text = text(column)
      if let value = Double(text), value > 0, value.isFinite { return value }
      report(column, "'\(text.prefix(40))' is no time; expected milliseconds above 0")
      return nil
    }

    /// The concurrency: a column of its own, or one of the facts in the source's text.
    func concurrency() -> Int? {
      if header.contains("concurrency") { return integer("concurrency") }
      for fact in text("silicon_data_source").split(separator: ";") {
        let sides = fact.split(separator: "=", maxSplits: 1).map {
          $0.trimmingPrefix(while: { $0 == " " })
        }
        if sides.count == 2, sides[0] == "silicon_concurrency" { return Int(sides[1]) }
      }
      return nil
    }

    func point() -> ServingPoint? {
      let before = collector.all.count
      let mode = text("mode")
      if mode != "agg", mode != "disagg" {
        report("mode", "'\(mode.prefix(40))' is no mode; expected agg or disagg")
      }
      let (prompt, output) = (integer("isl"), integer("osl"))
      // What is no number has been reported.
      for (column, value) in [("isl", prompt), ("osl", output)]
      where value == 0 || text(column).isEmpty {
        report(column, "expected a number of tokens above 0")
      }
      let times = (positive("silicon_ttft_ms"), positive("silicon_tpot_ms"))
      let recorded = ServingPoint.Recorded(
        tensor: integer("tp_size"), pipeline: integer("pp_size"),
        data: integer("attention_dp_size"), expertTensor: integer("moe_tp_size"),
        expert: integer("moe_ep_size"))
      guard collector.all.count == before, let prompt, let output, let ttft = times.0,
        let tpot = times.1
      else { return nil }
      return ServingPoint(
        id: text("id"), line: lines.line, source: text("silicon_data_source"),
        model: text("model_path"), system: text("system"), backend: text("backend"),
        version: text("backend_version"), precision: text("precision"),
        productFormat: text("gemm_quant_mode"), expertFormat: text("moe_quant_mode"),
        isDisaggregated: mode == "disagg", prompt: prompt, output: output,
        concurrency: concurrency(), recorded: recorded, ttftMs: ttft, tpotMs: tpot)
    }
  }
}
