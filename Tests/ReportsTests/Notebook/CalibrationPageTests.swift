// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Testing

@testable import Reports

/// The page of a check of timing laws.
@Suite struct CalibrationPageTests {
  static let laws: [ReportValue] = [
    [
      "kernel": "gemm fp32", "variant": "openblas", "law": "fitted", "points": 2, "median": 0.25,
      "p90": 0.5, "worst": 0.5, "bias": 0.25,
      "biases": [
        ["from": 4, "to": 4, "points": 1, "bias": 0.5, "absolute": 0.5],
        ["from": 8, "to": 32, "points": 1, "bias": 0.25, "absolute": 0.25],
      ],
      "worst_points": [
        ["shape": "n8 k8", "size": 4, "measured_seconds": 2e-6, "predicted_seconds": 3e-6]
      ],
    ]
  ]

  @Test func `A check is recognised, and its page has errors, biases and points`() throws {
    guard case .calibration(let laws)? = try ReportInput.recognise(.list(Self.laws), path: "x")
    else {
      Issue.record("not recognised")
      return
    }
    let document = ReportPage.document(of: .calibration(laws))
    #expect(document.kind == .calibration && document.subtitle == "1 laws, 2 timings")
    #expect(document.charts.map(\.id) == ["kernel-errors", "kernel-biases", "kernel-points"])
    let point = try #require(document.charts[2].spec.list("data.values").first)
    #expect(point.number("measured") == 2 && point.number("predicted") == 3)
    #expect(abs((point.number("error") ?? 0) - 0.5) < 1e-12)
    #expect(document.charts[1].spec.list("data.values").map { $0.number("size") } == [4, 16])
  }

  @Test func `Without listed points there is no chart of them`() {
    var law = Self.laws[0]
    law.set("worst_points", to: [])
    law.set("biases", to: [])
    let document = ReportPage.document(of: .calibration([law]))
    #expect(document.sections.map(\.id) == ["errors"])
  }
}
