// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Serving

extension ReportSections {
  /// The intervals from errors of kernel timings, where they were asked for.
  var sureness: ReportSection? {
    guard let uncertainty = document.result.uncertainty else { return nil }
    var table = TextTable(columns: [
      .init("Figure"), .init("Nominal", isNumeric: true), .init("5 %", isNumeric: true),
      .init("95 %", isNumeric: true), .init("Std. dev.", isNumeric: true, dropOrder: 1),
    ])
    for figure in uncertainty.figures {
      table.append(
        [figure.name]
          + [figure.nominal, figure.low, figure.high, figure.standardDeviation].map {
            FigureText.number($0)
          })
    }
    let laws = uncertainty.laws.map { law in
      "\(law.name) (\(FigureText.percent(law.medianError)))"
    }
    let text =
      "\(FigureText.integer(uncertainty.replications)) runs on the same requests and routing, each"
      + " with one error drawn for each fitted law, by its median error on shapes that it was not"
      + " fitted to: \(laws.joined(separator: ", "))."
    return ReportSection(
      title: "How sure: kernel timings", blocks: [.paragraph(text), .table(table)])
  }
}
