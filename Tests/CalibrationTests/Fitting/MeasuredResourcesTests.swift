// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Hardware
import TestSupport
import Testing

@testable import Calibration

/// Figures of memories, drives and links from rows, and machines that carry them.
@Suite struct MeasuredResourcesTests {
  static func row(_ kernel: MeasuredKernel, bytes: Int, seconds: Double) -> KernelMeasurement {
    var row = KernelMeasurement(device: "thing", kernel: kernel, median: seconds, source: "s")
    row.bytes = bytes
    return row
  }

  /// A drive of 3 GB/s and 60 µs whose lanes are four.
  static var reads: [KernelMeasurement] {
    [4_096, 1 << 20, 64 << 20].flatMap { bytes in
      [1, 4, 16].map { depth in
        let alone = 60e-6 + Double(bytes) / 3e9
        let shared = max(alone, Double(depth) * max(Double(bytes) / 3e9, 15e-6))
        var row = row(.read, bytes: bytes, seconds: shared)
        row.queueDepth = depth
        return row
      }
    }
  }

  static var copies: [KernelMeasurement] {
    (12...28).map { exponent in
      let bytes = 1 << exponent
      var row = row(.copy, bytes: bytes, seconds: 8e-6 + Double(bytes) / 24e9)
      (row.direction, row.pinned, row.streams) = ("h2d", true, 1)
      return row
    }
  }

  @Test func `Reads give bandwidth, latency, rate and lanes`() throws {
    let found = try MeasuredResources(Self.reads)
    #expect(abs((found.readBandwidth?.value ?? 0) / 3e9 - 1) < 0.02)
    #expect(abs((found.readLatency?.value ?? 0) - 60e-6) < 1e-6)
    #expect(abs((found.readRate?.value ?? 0) / (1 / 15e-6) - 1) < 1e-9)
    #expect(found.memoryBandwidth == nil && found.linkBandwidth == nil && !found.isEmpty)
  }

  @Test func `Copies give a link's latency and bandwidth; those of other kinds say nothing`() throws
  {
    let found = try MeasuredResources(Self.copies)
    #expect(abs((found.linkBandwidth?.value ?? 0) / 24e9 - 1) < 0.01)
    #expect(abs((found.linkLatency?.value ?? 0) - 8e-6) < 1e-7)
    var pageable = Self.copies
    for index in pageable.indices { pageable[index].pinned = false }
    #expect(try MeasuredResources(pageable).isEmpty)
  }

  @Test func `Passes that a cache may hold do not count for memory`() throws {
    let small = Self.row(.stream, bytes: 1 << 20, seconds: 1e-5)
    let large = Self.row(.stream, bytes: 1 << 30, seconds: 0.025)
    #expect(try MeasuredResources([small]).memoryBandwidth == nil)
    let found = try MeasuredResources([small, large])
    #expect(found.memoryBandwidth == .init(value: Double(1 << 30) / 0.025, points: 1))
  }

  @Test(arguments: ["cpu-desktop", "rtx-4090-desktop"])
  func `A machine's file carries the figures`(base: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "moesim-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let library = ProfileLibrary(folders: [
      folder.path, Checkout.root.appending(path: "hardware-profiles").path,
    ])
    let machine = try library.machine(base)
    let target = try CalibrationTarget(
      machine, named: base, rowsOf: machine.gpus.first?.name ?? machine.cpu.name)
    // Faster memory than the base's says: its nominal rate follows.
    let fast = Self.row(.stream, bytes: 1 << 30, seconds: 1e-3)
    let found = try MeasuredResources(Self.reads + Self.copies + [fast])
    let text = target.machineFile(
      nil, resources: found, name: "here", summary: "measured", source: "a \"bench\"")
    try text.write(to: folder.appending(path: "here.yaml"), atomically: true, encoding: .utf8)
    let here = try library.machine("here")
    let drive = try #require(here.drives.first)
    #expect(drive.name == "thing" && drive.laneCount == 4)
    #expect(abs(drive.readBandwidth.effective / 3e9 - 1) < 0.02)
    #expect(abs(drive.readLatency.effective - 60e-6) < 1e-6)
    #expect(drive.writeBandwidth.nominal == machine.drives.first?.writeBandwidth.nominal)
    #expect(abs(here.dram.bandwidth.effective / 1.074e12 - 1) < 0.001)
    #expect(here.dram.bandwidth.nominal >= here.dram.bandwidth.effective)
    if let link = here.gpus.first?.hostLink {
      #expect(abs(link.seconds(bytes: 1 << 24) / (8e-6 + Double(1 << 24) / 24e9) - 1) < 0.01)
    }
    let used = found.applied(to: target.capability, of: target.kind)
    #expect(
      target.kind == .cpu
        ? abs(used.bandwidth.achievable / here.dram.bandwidth.effective - 1) < 1e-3
        : used == target.capability)
  }
}
