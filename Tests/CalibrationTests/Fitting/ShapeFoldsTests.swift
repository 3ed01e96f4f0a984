// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Calibration

/// How points are dealt into parts.
@Suite struct ShapeFoldsTests {
  static let points = SyntheticTimings.points(SyntheticTimings.products())

  @Test(arguments: [2, 3, 5, 10, 100], [UInt64(1), 2, 99])
  func `No shape is split, all parts are used, much alike`(count: Int, seed: UInt64) {
    let folds = ShapeFolds(Self.points, count: count, seed: seed)
    #expect(folds.groups == 28 && folds.count == min(count, 28))
    var partOf: [String: Int] = [:]
    for (point, part) in zip(Self.points, folds.parts) {
      #expect(partOf[point.group] ?? part == part, "\(point.group)")
      partOf[point.group] = part
    }
    let sizes = (0..<folds.count).map { part in partOf.count { $0.value == part } }
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    #expect(ShapeFolds(Self.points, count: count, seed: seed).parts == folds.parts)
  }

  @Test func `Another seed deals otherwise`() {
    let parts = (1...2).map { ShapeFolds(Self.points, count: 5, seed: UInt64($0)).parts }
    #expect(parts[0] != parts[1])
  }

  @Test func `A single shape is held out by its sizes, a single point not at all`() {
    let one = Self.points.filter { $0.group == Self.points[0].group }
    let folds = ShapeFolds(one + one, count: 5, seed: 1)
    #expect(folds.count == 5)
    #expect(Array(folds.parts.prefix(one.count)) == Array(folds.parts.suffix(one.count)))
    #expect(ShapeFolds([one[0], one[0]], count: 5, seed: 1).count == 1)
  }
}
