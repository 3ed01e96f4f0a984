// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// Parts for cross-validation, dealt by shape groups: points of one shape are held out together, since
/// they say much about each other.
struct ShapeFolds {
  /// The part of each point.
  let parts: [Int]
  /// How many parts there are; 1 when there are too few groups to hold any out.
  let count: Int
  /// How many groups there are.
  let groups: Int

  /// Deals the groups of `points` into at most `count` parts, at random.
  init(_ points: [TimedWork], count: Int, seed: UInt64) {
    self.init(points.map { ($0.group, $0.size) }, count: count, seed: seed)
  }

  /// Deals groups, or the sizes of a single group.
  init(_ points: [(group: String, size: Double)], count: Int, seed: UInt64) {
    let shapes = Set(points.map(\.group)).sorted()
    // Of a single shape, sizes are held out: all points of one number of tokens.
    let isOneShape = shapes.count == 1
    let group = { (point: (group: String, size: Double)) in
      isOneShape ? "\(point.size)" : point.group
    }
    let names = isOneShape ? Set(points.map(group)).sorted() : shapes
    groups = names.count
    self.count = names.count >= 2 ? min(count, names.count) : 1
    var stream = RandomStream(seed: seed, replication: 0, purpose: .residuals, entity: 1)
    let order = names.shuffled(using: &stream)
    var part: [String: Int] = [:]
    for (index, name) in order.enumerated() { part[name] = index % self.count }
    parts = points.map { part[group($0)] ?? 0 }
  }
}
