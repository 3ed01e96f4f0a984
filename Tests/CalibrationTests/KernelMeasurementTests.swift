// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Calibration

@Suite struct KernelMeasurementTests {
  @Test func keysThatDoNotApplyAreAbsent() throws {
    var row = KernelMeasurement(device: "D", kernel: .gemm, median: 0.5, source: "S")
    row.m = 3
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(row), as: UTF8.self)
    #expect(text == #"{"device":"D","kernel":"gemm","m":3,"median_s":0.5,"source":"S"}"#)
    #expect(try JSONDecoder().decode(KernelMeasurement.self, from: Data(text.utf8)) == row)
  }
}
