// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors
import Units
import Testing

@testable import KernelTiming

/// Factors by shape: what they are on nodes, between them and outside.
@Suite struct KernelGridTests {
  /// The inverse of `KernelGrid.binaryLogarithm`.
  static func power(_ logarithm: Double) -> Double {
    let whole = logarithm.rounded(.down)
    return exp2(whole) * (1 + logarithm - whole)
  }

  static func work(rows: Double, columns: Double = 1, depth: Double = 1) -> KernelWork {
    KernelWork(
      family: .gemm, flop: 1, bytes: 1, rows: rows, columns: columns, depth: depth)
  }

  static let line = KernelGrid(
    axes: [KernelGrid.Axis(.rows, from: 2, step: 1.5, count: 4)], factors: [1, 4, 2, 0.5])

  @Test func `The binary logarithm is exact on powers of two and near between`() {
    for exponent in -30...40 {
      #expect(KernelGrid.binaryLogarithm(exp2(Double(exponent))) == Double(exponent))
    }
    var random = RandomWorks(seed: 1)
    var last = (value: 1.0, logarithm: 0.0)
    for _ in 0..<2_000 {
      let value = last.value * random.number(1...1.02)
      let logarithm = KernelGrid.binaryLogarithm(value)
      #expect(logarithm >= last.logarithm)
      #expect(log2(value) - logarithm >= -1e-12 && log2(value) - logarithm < 0.0861)
      last = (value, logarithm)
    }
  }

  @Test func `Nodes have their own factors`() {
    for (node, factor) in Self.line.factors.enumerated() {
      let rows = Self.power(2 + 1.5 * Double(node))
      #expect(abs(Self.line.factor(Self.work(rows: rows)) - factor) < 1e-12)
    }
    let grid = KernelGrid(
      axes: [
        KernelGrid.Axis(.rows, from: 0, step: 1, count: 2),
        KernelGrid.Axis(.columns, from: 3, step: 2, count: 3),
        KernelGrid.Axis(.depth, from: 1, step: 0.5, count: 4),
      ], factors: (0..<24).map { 1 + Double($0) })
    for row in 0..<2 {
      for column in 0..<3 {
        for depth in 0..<4 {
          let work = Self.work(
            rows: Self.power(Double(row)), columns: Self.power(3 + 2 * Double(column)),
            depth: Self.power(1 + 0.5 * Double(depth)))
          let wanted = 1 + Double((row * 3 + column) * 4 + depth)
          #expect(abs(grid.factor(work) - wanted) < 1e-9, "\(row) \(column) \(depth)")
        }
      }
    }
  }

  @Test func `Factors lie on straight lines between nodes and stay beyond the ends`() {
    for part in stride(from: 0.0, through: 1, by: 0.125) {
      let work = Self.work(rows: Self.power(3.5 + 1.5 * part))
      #expect(abs(Self.line.factor(work) - (4 - 2 * part)) < 1e-12)
    }
    for rows in [0, 1e-9, 1, 3.9] { #expect(Self.line.factor(Self.work(rows: rows)) == 1) }
    for rows in [100, 1e6, 1e15] { #expect(Self.line.factor(Self.work(rows: rows)) == 0.5) }
  }

  @Test(arguments: 1...40)
  func `The form for predictions agrees with the stencil, whose weights sum to 1`(seed: UInt64) {
    var random = RandomWorks(seed: seed)
    let grid = random.grid()
    var table = [0.5, 0.25]
    let compiled = grid.compiled(into: &table)
    for _ in 0..<50 {
      var work = random.work(.groupedGEMM)
      work.sequences = 4
      work.context = random.size(0...17)
      let stencil = grid.stencil(work)
      #expect(stencil.count == 1 << grid.axes.count)
      #expect(stencil.allSatisfy { grid.factors.indices.contains($0.node) && $0.weight >= 0 })
      #expect(abs(stencil.reduce(0) { $0 + $1.weight } - 1) < 1e-12)
      let (slow, fast) = (grid.factor(work), compiled.factor(work, in: table))
      #expect(abs(slow - fast) < 1e-12 * slow, "\(grid.axes)")
      #expect(
        slow >= (grid.factors.min() ?? 0) - 1e-12 && slow <= (grid.factors.max() ?? 0) + 1e-12)
    }
  }

  @Test(arguments: KernelGrid.Feature.allCases)
  func `A feature is read from its fields, at least 1`(feature: KernelGrid.Feature) {
    var work = KernelWork(
      family: .groupedGEMM, flop: 1, bytes: 19, rows: 3, columns: 5, depth: 7, groups: 11)
    work.context = 13
    work.sequences = 17
    let wanted: Double =
      switch feature {
      case .rows: 3
      case .columns: 5
      case .depth: 7
      case .groups: 11
      case .weights: 35
      case .parts: 33
      case .context: 13
      case .sequences: 17
      case .bytes: 19
      case .devices, .kind: 1
      }
    #expect(KernelGrid.value(of: feature, in: work) == wanted)
    #expect(KernelGrid.value(of: feature, in: .none) == 1)
  }
}
