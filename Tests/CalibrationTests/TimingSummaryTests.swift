// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Calibration

@Suite struct TimingSummaryTests {
  @Test func rowsAreSummedUpByKernelAndPrecision() {
    var rows: [KernelMeasurement] = []
    for (precision, m, seconds) in [("bf16", 1, 2e-6), ("fp8", 2, 3e-3), ("bf16", 16, 1.2345)] {
      var row = KernelMeasurement(device: "D", kernel: .gemm, median: seconds, source: "S")
      row.precision = precision
      (row.m, row.n, row.k) = (m, 8, 8)
      row.repeats = 5
      rows.append(row)
    }
    rows.append(KernelMeasurement(device: "D", kernel: .launch, median: 5e-6, source: "S"))
    #expect(
      TimingSummary(rows).lines == [
        "2 × gemm bf16 on D: m 1–16, n 8, k 8, 2 µs–1.23 s",
        "1 × gemm fp8 on D: m 2, n 8, k 8, 3 ms–3 ms", "1 × launch on D: 5 µs–5 µs",
      ])
    #expect(TimingSummary([]).lines.isEmpty)
  }
}
