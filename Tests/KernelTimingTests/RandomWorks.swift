// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Units

@testable import KernelTiming

/// Random shapes, laws and grids, the same in every run.
struct RandomWorks: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    // SplitMix64.
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func number(_ range: ClosedRange<Double>) -> Double {
    Double.random(in: range, using: &self)
  }

  /// A number whose logarithm to base two lies evenly in a range.
  mutating func size(_ exponents: ClosedRange<Double>) -> Double {
    KernelGridTests.power(number(exponents)).rounded()
  }

  mutating func work(
    _ family: KernelFamily, _ computeClass: ComputeClass = .fp16
  ) -> KernelWork {
    let (rows, columns, depth) = (size(0...13), size(4...15), size(4...15))
    let groups = family == .groupedGEMM ? size(0...8) : 1
    return KernelWork(
      family: family, flop: Bool.random(using: &self) ? 2 * rows * columns * depth * groups : 0,
      bytes: Bool.random(using: &self) ? 2 * groups * columns * depth : size(0...34), rows: rows,
      columns: columns, depth: depth, groups: groups, computeClass: computeClass,
      kernels: Int.random(in: 0...3, using: &self))
  }

  mutating func law() -> FamilyLaw {
    FamilyLaw(
      computeEfficiency: number(0.1...1.2), rowsHalf: number(0...100),
      tileRows: [0, 1, 16, 64].randomElement(using: &self) ?? 0,
      memoryEfficiency: number(0.1...1.2), ramp: number(0...4e-6), launch: number(0...9e-6),
      overlapLoss: number(0...2), depthLatency: number(0...1e-7), rowLatency: number(0...1e-8),
      cacheSpeed: number(1...5), cacheShare: number(0.1...1))
  }

  mutating func grid() -> KernelGrid {
    let features = KernelGrid.Feature.allCases.shuffled(using: &self)
    let axes = features.prefix(Int.random(in: 1...3, using: &self)).map {
      KernelGrid.Axis(
        $0, from: number(-2...6), step: number(0.3...3), count: Int.random(in: 2...6, using: &self))
    }
    let nodes = axes.reduce(1) { $0 * $1.count }
    return KernelGrid(axes: Array(axes), factors: (0..<nodes).map { _ in number(0.2...5) })
  }
}
