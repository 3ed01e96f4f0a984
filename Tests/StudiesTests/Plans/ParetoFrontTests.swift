// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Studies

@Suite("Pareto fronts")
struct ParetoFrontTests {
  private func point(_ figures: [Double], _ accuracy: Double? = nil, _ name: String = "a")
    -> ParetoFront.Point
  {
    .init(figures: figures, accuracy: accuracy, accuracyClass: name)
  }

  @Test("A known front in two figures")
  func known() {
    let points = [[1, 5], [2, 4], [3, 4], [4, 1], [5, 5], [1, 5]].map { point($0.map(Double.init)) }
    #expect(ParetoFront.indices(of: points) == [0, 1, 3, 5])
  }

  @Test("Every point off the front is beaten by one on it", arguments: 0..<20)
  func covering(seed: Int) {
    var random = SystemLike(state: UInt64(seed) &* 7919 &+ 17)
    let points = (0..<60).map { _ in
      point((0..<4).map { _ in Double(random.next() % 12) }, Double(random.next() % 5), "own")
    }
    let front = ParetoFront.indices(of: points)
    #expect(!front.isEmpty)
    for index in points.indices {
      let beating = front.filter { other in
        zip(points[other].figures, points[index].figures).allSatisfy { $0 <= $1 }
          && points[other].figures != points[index].figures
      }
      #expect(front.contains(index) == beating.isEmpty)
    }
  }

  @Test("Unknown accuracy is not held against others")
  func unknownAccuracy() {
    let cheap = point([1, 1], nil, "int4")
    let dear = point([2, 2], nil, "bf16")
    #expect(ParetoFront.indices(of: [cheap, dear]) == [0, 1])
    #expect(ParetoFront.indices(of: [cheap, point([2, 2], nil, "int4")]) == [0])
    #expect(ParetoFront.indices(of: [point([1, 1], 0.7, "x"), point([2, 2], 0.7, "y")]) == [0])
    #expect(
      ParetoFront.indices(of: [point([1, 1], 0.7, "x"), point([2, 2], 0.8, "y")]) == [0, 1])
  }

  private struct SystemLike {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
  }
}
