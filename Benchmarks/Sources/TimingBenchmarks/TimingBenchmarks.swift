// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import KernelTiming
import ModelDescriptors
import Units

/// Prints what one predicted kernel time costs, in nanoseconds of processor time and as a multiple of the
/// plain roofline's in the same run.
///
///     TimingBenchmarks [--rounds N] [--limit NS]
///
/// Works vary, so that neither branches nor caches know them: 4,096 shapes, in random order. The median
/// round counts. With `--limit` the exit code is 1 where one costs more than that.
@main
enum TimingBenchmarks {
  static func main() {
    let arguments = CommandLine.arguments
    func value(_ name: String) -> Double? {
      arguments.firstIndex(of: name).flatMap {
        $0 + 1 < arguments.count ? Double(arguments[$0 + 1]) : nil
      }
    }
    let rounds = Int(value("--rounds") ?? 9)
    let products = works { random in
      let (rows, columns, depth) = (random.size(0...13), random.size(7...15), random.size(7...14))
      return KernelWork(
        family: .gemm, flop: 2 * rows * columns * depth,
        bytes: 2 * (columns * depth + rows * (columns + depth)), rows: rows, columns: columns,
        depth: depth)
    }
    let grouped = works { random in
      let (rows, columns, depth) = (random.size(0...9), random.size(9...14), random.size(9...13))
      let groups = random.size(0...8)
      return KernelWork(
        family: .groupedGEMM, flop: 6 * rows * columns * depth * groups,
        bytes: 6 * groups * columns * depth, rows: rows, columns: columns, depth: depth,
        groups: groups)
    }
    let (decode, prefill) = (attention(isDecode: true), attention(isDecode: false))
    let cases: [(name: String, timing: DeviceTiming, works: [KernelWork])] = [
      ("products, roofline", timing(.roofline), products),
      ("products, law", timing(laws(withGrids: false)), products),
      ("products, law and grid", timing(laws(withGrids: true)), products),
      ("experts, law and grid", timing(laws(withGrids: true)), grouped),
      ("decoding, law", timing(laws(withGrids: false)), decode),
      ("decoding, law and grid", timing(laws(withGrids: true)), decode),
      ("prompts, law", timing(laws(withGrids: false)), prefill),
      ("prompts, law and grid", timing(laws(withGrids: true)), prefill),
    ]
    var samples = [[Double]](repeating: [], count: cases.count)
    for _ in 0..<rounds {
      for (index, entry) in cases.enumerated() {
        samples[index].append(nanoseconds(entry.timing, entry.works))
      }
    }
    let medians = samples.map { $0.sorted()[rounds / 2] }
    print(column("one predicted time", 28) + column("ns", 8) + "of roofline")
    for (entry, median) in zip(cases, medians) {
      print(
        column(entry.name, 28) + column(String(format: "%.1f", median), 8)
          + String(format: "%.2f", median / medians[0]))
    }
    if let limit = value("--limit"), medians.contains(where: { $0 > limit }) {
      print("more than \(limit) ns")
      exit(1)
    }
  }

  private static func column(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  /// Nanoseconds of one prediction, over 100 passes.
  private static func nanoseconds(_ timing: DeviceTiming, _ works: [KernelWork]) -> Double {
    let passes = 100
    var sum = 0.0
    let start = cpuSeconds()
    for _ in 0..<passes {
      for work in works { sum += timing.seconds(work) }
    }
    let seconds = cpuSeconds() - start
    precondition(sum > 0, "Every work takes time.")
    return seconds / Double(passes * works.count) * 1e9
  }

  private static func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  private static func timing(_ laws: TimingLaws) -> DeviceTiming {
    DeviceTiming(
      capability: DeviceCapability(
        name: "A100",
        peaks: [.fp32: .init(nominal: 19.5e12), .fp16: .init(nominal: 312e12, achievable: 250e12)],
        bandwidth: .init(nominal: 2.0e12, achievable: 1.7e12), units: 108), laws: laws)
  }

  /// Laws with every parameter in use; grids of the sizes that fits lay.
  private static func laws(withGrids: Bool) -> TimingLaws {
    var laws = TimingLaws(source: "made up") { _ in
      FamilyLaw(
        computeEfficiency: 0.8, rowsHalf: 12, tileRows: 16, memoryEfficiency: 0.9, ramp: 1e-7,
        launch: 3e-6, overlapLoss: 0.4, depthLatency: 2e-8, rowLatency: 1e-10)
    }
    laws.attention = [
      AttentionLaw(kernel: .flash2, isDecode: true), AttentionLaw(kernel: .flash3, isDecode: false),
    ]
    guard withGrids else { return laws }
    laws[.gemm, .fp16, .plain].grid = grid([(.rows, 1), (.columns, 1.5), (.depth, 1.5)])
    laws[.groupedGEMM, .fp16, .plain].grid = grid([(.rows, 1), (.weights, 1.5), (.groups, 1.5)])
    for index in laws.attention.indices {
      laws.attention[index].grid = grid([(.parts, 2), (.context, 2), (.depth, 1)])
    }
    return laws
  }

  private static func grid(_ axes: [(KernelGrid.Feature, Double)]) -> KernelGrid {
    let axes = axes.map { KernelGrid.Axis($0.0, from: 0, step: $0.1, count: Int(14 / $0.1)) }
    let nodes = axes.reduce(1) { $0 * $1.count }
    return KernelGrid(axes: axes, factors: (0..<nodes).map { 0.8 + 0.4 * Double($0 % 7) / 7 })
  }

  private static func works(_ make: (inout Generator) -> KernelWork) -> [KernelWork] {
    var random = Generator()
    return (0..<4_096).map { _ in make(&random) }
  }

  private static func attention(isDecode: Bool) -> [KernelWork] {
    works { random in
      let (sequences, groups) = (random.size(0...7), random.size(0...4))
      let query = isDecode ? 1 : random.size(4...12)
      let context = query + random.size(0...13)
      var work = KernelWork(
        family: isDecode ? .attentionDecode : .attentionPrefill,
        flop: 4 * sequences * query * context * groups * 512,
        bytes: 4 * sequences * context * groups * 128, rows: sequences * query,
        columns: groups * 4, depth: 128, groups: groups)
      work.sequences = sequences
      work.context = context
      return work
    }
  }

  /// SplitMix64.
  struct Generator: RandomNumberGenerator {
    var state: UInt64 = 7

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }

    /// A whole number whose logarithm lies evenly between two powers of two.
    mutating func size(_ exponents: ClosedRange<Double>) -> Double {
      exp2(Double.random(in: exponents, using: &self)).rounded()
    }
  }
}
