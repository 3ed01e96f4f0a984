// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Testing

@testable import Calibration

@Suite("Laws from short measurements")
struct RehearsalLawsTests {
  static func product(_ n: Int, _ k: Int, launch: Double, rate: Double) -> KernelMeasurement {
    var row = KernelMeasurement(
      device: "test", kernel: .gemv, median: launch + 4 * Double(n * k + n + k) / rate,
      source: "test")
    (row.n, row.k) = (n, k)
    return row
  }

  static func expert(_ hidden: Int, _ width: Int, launch: Double, rate: Double) -> KernelMeasurement
  {
    let bytes = 4 * Double(3 * hidden * width + 3 * (hidden + width))
    var row = KernelMeasurement(
      device: "test", kernel: .fusedExperts, median: 3 * launch + bytes / rate, source: "test")
    (row.tokens, row.hidden, row.width) = (1, hidden, width)
    return row
  }

  @Test("A launch and a rate are found again from products that have them")
  func recovers() throws {
    let (launch, rate) = (7e-6, 23e9)
    let laws = try RehearsalLaws([
      Self.product(1024, 1024, launch: launch, rate: rate),
      Self.product(32000, 1024, launch: launch, rate: rate),
      Self.expert(1024, 700, launch: launch, rate: rate),
    ])
    #expect(abs(laws.launch / launch - 1) < 1e-6)
    #expect(abs(laws.bandwidth / rate - 1) < 1e-6)
    #expect(laws.readRate == nil)
  }

  @Test("One product gives a rate, and no launch below zero is found")
  func single() throws {
    let one = try RehearsalLaws([Self.product(1000, 1000, launch: 0, rate: 10e9)])
    #expect(one.launch == 0)
    #expect(abs(one.bandwidth / 10e9 - 1) < 1e-9)
    let falling = try RehearsalLaws([
      Self.product(1000, 1000, launch: 0, rate: 30e9),
      Self.product(9000, 1000, launch: 0, rate: 20e9),
    ])
    #expect(falling.launch == 0)
    #expect((20e9...30e9).contains(falling.bandwidth))
  }

  @Test("The timing predicts the product that was measured, and the rate of reads is kept")
  func timing() throws {
    let (launch, rate) = (5e-6, 20e9)
    var read = KernelMeasurement(device: "test", kernel: .read, median: 0.01, source: "test")
    read.bytes = 10_000_000
    let laws = try RehearsalLaws([
      Self.product(2048, 1024, launch: launch, rate: rate),
      Self.expert(1024, 3584, launch: launch, rate: rate), read,
    ])
    #expect(laws.readRate == 1e9)
    let base = DeviceTiming(
      capability: DeviceCapability(
        name: "test", peaks: [.fp32: .init(nominal: 1e12)], bandwidth: .init(nominal: 1)))
    let timing = laws.timing(over: base)
    let work = KernelWork(
      family: .gemv, flop: 2 * 2048 * 1024, bytes: 4 * Double(2048 * 1024 + 2048 + 1024), rows: 1,
      computeClass: .fp32)
    let expected = launch + work.bytes / rate
    #expect(abs(timing.seconds(work) / expected - 1) < 1e-6)
  }

  @Test("Rows without products are refused")
  func refuses() {
    #expect(throws: RehearsalRefusal.self) { try RehearsalLaws([]) }
  }
}
