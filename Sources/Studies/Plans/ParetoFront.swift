// SPDX-License-Identifier: GPL-3.0-or-later

/// Which of several points no other is at least as good as in everything and better in something.
enum ParetoFront {
  /// A point: smaller is better in each figure.
  struct Point: Sendable {
    /// The figures; infinite where there is none.
    var figures: [Double]
    /// The share of right answers; `nil` where nobody knows.
    var accuracy: Double?
    /// What accuracy depends on: points of one class are equal in it, known or not.
    var accuracyClass: String
  }

  /// The indices of the points on the front, ascending; of equal points all are.
  ///
  /// A point of unknown accuracy neither beats nor is beaten by one of another class, since nothing
  /// says which of them answers better.
  ///
  /// - Complexity: O(*n*² · figures).
  static func indices(of points: [Point]) -> [Int] {
    points.indices.filter { index in
      !points.indices.contains { $0 != index && dominates(points[$0], points[index]) }
    }
  }

  /// Whether a point is at least as good as another in everything, and better in something.
  static func dominates(_ one: Point, _ other: Point) -> Bool {
    var isBetter = false
    if one.accuracyClass != other.accuracyClass {
      guard let own = one.accuracy, let theirs = other.accuracy, own >= theirs else { return false }
      isBetter = own > theirs
    }
    for (own, theirs) in zip(one.figures, other.figures) {
      if own > theirs { return false }
      if own < theirs { isBetter = true }
    }
    return isBetter
  }
}
