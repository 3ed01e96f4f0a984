// SPDX-License-Identifier: GPL-3.0-or-later

public import Calibration
import Foundation
import Records

/// A fit's report in a folder: Markdown with biases by size and parameters, and a plot.
///
/// The plot is a Vega-Lite specification with its data, which `vl-convert` or any viewer of Vega-Lite
/// draws.
public struct CalibrationReport: Sendable {
  private let outcome: Calibrator.Outcome
  private let device: String
  private let tables: [String]

  /// The report of a fit.
  public init(_ outcome: Calibrator.Outcome, device: String, tables: [String]) {
    self.outcome = outcome
    self.device = device
    self.tables = tables
  }

  /// Writes `report.md` and `errors.vl.json` into a folder, which is made.
  public func write(to folder: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      let reason = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
      throw WriteFailure(
        target: folder, operation: "create", code: reason.map { Int32($0.code) } ?? ENOTDIR)
    }
    try OutputWriter.write(markdown, to: folder + "/report.md")
    try OutputWriter.write(try plot(), to: folder + "/errors.vl.json")
  }

  var markdown: String {
    var lines = [
      "# Timing laws of \(device)", "", "Tables: \(tables.joined(separator: ", ")).", "",
      "Errors are |predicted/measured − 1| on shapes that the fit had not seen.", "",
    ]
    let renderer = RecordRenderer(format: .markdown)
    if let table = try? renderer.render(
      outcome.fits.map { FitRecord($0) }, columns: FitRecord.columns)
    {
      lines += [table]
    }
    for fit in outcome.fits {
      lines += ["## \(fit.name): \(fit.variant)", ""]
      if fit.folds == 1 { lines += ["One point only: nothing was held out.", ""] }
      lines += ["| Sizes | Points | Bias | Median error |", "|---:|---:|---:|---:|"]
      for bias in fit.heldOut.biases {
        let sizes =
          "\(FigureText.number(bias.sizes.lowerBound))–\(FigureText.number(bias.sizes.upperBound))"
        lines.append(
          "| \(sizes) | \(bias.count) | \(FigureText.percent(bias.median))"
            + " | \(FigureText.percent(bias.absolute)) |")
      }
      lines += ["", "| Parameter | Value |", "|---|---:|"]
      for (name, value) in fit.parameters {
        lines.append("| \(name) | \(String(format: "%.4g", value)) |")
      }
      lines.append("")
    }
    return lines.joined(separator: "\n")
  }

  /// Bias and median error by size, one panel a law.
  private func plot() throws -> String {
    var values: [[String: Any]] = []
    for fit in outcome.fits {
      for bias in fit.heldOut.biases {
        let size = (bias.sizes.lowerBound * bias.sizes.upperBound).squareRoot()
        values.append([
          "law": "\(fit.name): \(fit.variant)", "size": size, "points": bias.count,
          "bias": bias.median, "error": bias.absolute,
        ])
      }
    }
    let size: [String: Any] = [
      "field": "size", "type": "quantitative", "scale": ["type": "log"],
      "title": "tokens, cached rows, or bytes",
    ]
    let layer = { (field: String, title: String, color: String) -> [String: Any] in
      [
        "mark": ["type": "line", "point": true, "color": color],
        "encoding": [
          "x": size,
          "y": [
            "field": field, "type": "quantitative", "axis": ["format": "%"], "title": title,
          ],
        ],
      ]
    }
    let specification: [String: Any] = [
      "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
      "title": "Error on unseen shapes: median (blue), bias (orange)",
      "data": ["values": values],
      "facet": ["field": "law", "type": "nominal", "title": NSNull()], "columns": 3,
      "spec": [
        "width": 240, "height": 150,
        "layer": [layer("error", "error", "#1f77b4"), layer("bias", "error", "#ff7f0e")],
      ],
    ]
    let data = try JSONSerialization.data(
      withJSONObject: specification,
      options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self) + "\n"
  }
}
