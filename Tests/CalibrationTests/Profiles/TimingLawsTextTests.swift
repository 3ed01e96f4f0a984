// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Hardware
import KernelTiming
import ModelDescriptors
import Units
import TestSupport
import Testing

@testable import Calibration

/// Fitted laws as text, and machines with them.
@Suite struct TimingLawsTextTests {
  static func grid(_ axes: [KernelGrid.Axis]) -> KernelGrid {
    let nodes = axes.reduce(1) { $0 * $1.count }
    return KernelGrid(
      axes: axes,
      factors: (0..<nodes).map { (node: Int) -> Double in 0.7 + Double(node * 7 % 31) / 50 })
  }

  static let residuals = TimingLaws.Residuals(median: 0.041, p90: 0.12, points: 77)

  static let laws: TimingLaws = {
    var laws = TimingLaws.datasheet
    laws.source = #"a "quoted" \ source: # with marks"#
    laws.residuals = residuals
    for (index, storage) in KernelSet.Storage.allCases.enumerated() {
      laws[.gemm, .fp16, storage] = TimingLaws.Entry(
        law: FamilyLaw(
          computeEfficiency: 1.23456, rowsHalf: 17.125, tileRows: 0, memoryEfficiency: 0.7654321,
          ramp: 0, launch: 3.14159e-6 * Double(index + 1), overlapLoss: 0.55555,
          depthLatency: 1.23456e-8, rowLatency: 1.2e-13, cacheSpeed: 2.71828, cacheShare: 0.3333),
        grid: grid([
          .init(.rows, from: 0, step: 1, count: 14), .init(.columns, from: 6, step: 1.5, count: 5),
          .init(.depth, from: 5, step: 1.5, count: 6),
        ]), residuals: residuals)
    }
    laws[.groupedGEMM, .fp8, .plain] = TimingLaws.Entry(
      law: FamilyLaw(computeEfficiency: 0.5),
      grid: grid([.init(.rows, from: -1, step: 2, count: 3)]),
      residuals: residuals)
    laws[.elementwise, .fp32, .plain] = TimingLaws.Entry(
      law: FamilyLaw(launch: 1e-6), residuals: residuals)
    var decode = AttentionLaw(kernel: .flash3, isDecode: true)
    decode.isNarrow = true
    decode.launch = 7.654321e-6
    decode.residuals = residuals
    decode.grid = grid([
      .init(.parts, from: 0, step: 2, count: 5), .init(.context, from: 3, step: 2, count: 7),
    ])
    var prefill = AttentionLaw(kernel: .flash2, isDecode: false)
    prefill.softmaxColumns = 123.456
    laws.attention = [decode, prefill]
    return laws
  }()

  static func read(_ text: String) throws -> TimingLaws {
    let collector = DiagnosticCollector()
    let node = try ConfigurationNode.parse(text, file: "laws.yaml")
    let laws = TimingLaws.read(node, over: .datasheet, into: collector)
    try collector.throwIfAny()
    return laws
  }

  static func expectSame(_ read: TimingLaws) {
    #expect(read.source == laws.source && read.residuals == laws.residuals)
    let capability = SyntheticTimings.device
    let (wanted, found) = (
      DeviceTiming(capability: capability, laws: laws),
      DeviceTiming(capability: capability, laws: read)
    )
    for family in KernelFamily.allCases {
      for computeClass in [ComputeClass.fp32, .fp16, .fp8] {
        for rows in [1.0, 7, 100, 3_000] {
          for storage in KernelSet.Storage.allCases {
            var work = KernelWork(
              family: family, flop: rows * 1e8, bytes: 1e8, rows: rows, columns: 4_096,
              depth: 1_024, groups: 4, computeClass: computeClass,
              isWeightOnly: storage == .packed, isSparse: storage == .sparse)
            work.sequences = family == .attentionDecode ? rows : 1
            work.context = 500
            let ratio = found.seconds(work) / wanted.seconds(work)
            // Four digits of parameters, three decimals of factors from 0.7 on.
            #expect(abs(ratio - 1) < 0.002, "\(work) \(ratio)")
          }
        }
      }
    }
  }

  @Test func `Text reads back to the same predictions`() throws {
    for indentation in [0, 4] {
      Self.expectSame(try Self.read(Self.laws.yaml(indentation: indentation)))
    }
  }

  @Test func `Text of what was read is the same text`() throws {
    let text = Self.laws.yaml()
    #expect(try Self.read(text).yaml() == text)
  }

  @Test func `Only fitted laws are written`() throws {
    #expect(TimingLaws.datasheet.yaml() == "source: \"data sheets and assumptions\"\n")
    let read = try Self.read(Self.laws.yaml())
    #expect(read[.gate, .fp16, .plain] == TimingLaws.datasheet[.gate, .fp16, .plain])
    #expect(read[.groupedGEMM, .fp16, .plain] == TimingLaws.datasheet[.groupedGEMM, .fp16, .plain])
    #expect(read.attention.map(\.isNarrow) == [true, false])
    #expect(read.attention.map(\.residuals) == [Self.residuals, nil])
  }

  @Test func `A source with line breaks stays one scalar`() throws {
    var laws = TimingLaws.datasheet
    laws.source = "one\ntwo\tthree\r\nfour"
    #expect(try Self.read(laws.yaml()).source == "one two three four")
  }

  @Test(arguments: ["a100-sxm-server", "cpu-server-1s"])
  func `A machine's file is a machine with the laws`(base: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "moesim-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let library = ProfileLibrary(folders: [
      folder.path, Checkout.root.appending(path: "hardware-profiles").path,
    ])
    let machine = try library.machine(base)
    let target = try CalibrationTarget(
      machine, named: base, rowsOf: machine.gpus.first?.name ?? machine.cpu.name)
    #expect(target.kind == (machine.gpus.isEmpty ? .cpu : .gpu))
    let text = target.machineFile(
      Self.laws, resources: try MeasuredResources([]), name: "fitted",
      summary: #"it's "fitted": #1"#, source: "s")
    try text.write(to: folder.appending(path: "fitted.yaml"), atomically: true, encoding: .utf8)
    let fitted = try library.machine("fitted")
    #expect(fitted.name == "fitted" && fitted.gpus.count == machine.gpus.count)
    let again = try CalibrationTarget(
      fitted, named: "fitted", rowsOf: target.capability.name)
    #expect(again.kind == target.kind && again.capability == target.capability)
    #expect(again.laws[.gemm, .fp16, .plain].grid?.axes.count == 3)
    if target.kind == .gpu { Self.expectSame(again.laws) }
  }
}
