// SPDX-License-Identifier: GPL-3.0-or-later

/// The order in which candidates are kept between rounds, and how long and how many rounds are.
struct SuccessiveHalving: Sendable {
  /// Requests of a full run.
  var full: Int
  /// Requests of the first round.
  var first: Int
  /// What is left after each round: one in so many; runs grow as much.
  var reduction: Int
  /// Candidates at the end, beside the best in each figure.
  var finalists: Int

  /// What a round knows of a candidate.
  struct Score: Sendable {
    /// The candidate.
    var candidate: Int
    /// The worst of its objectives' figures as a multiple of the limit.
    var ratio: Double
    /// What a million tokens cost [USD].
    var cost: Double
    /// Figures of which the best candidate stays in any case, smaller being better.
    var figures: [Double]
  }

  /// Requests of a round, from 0.
  func requests(ofRound round: Int) -> Int {
    var length = first
    for _ in 0..<round where length < full { length = min(full, length * reduction) }
    return min(full, length)
  }

  /// By how much a figure of a short run may exceed its limit and count as met: percentiles of few
  /// requests scatter with one over the root of their number, and a tenth at full length is wide.
  func tolerance(requests: Int) -> Double {
    1 + 0.1 * (Double(full) / Double(max(1, requests))).squareRoot()
  }

  /// The candidates by rank: those that seem to meet their objectives by cost, the others by what they
  /// miss; ties by number.
  func ranked(_ scores: [Score], requests: Int) -> [Score] {
    let tolerance = tolerance(requests: requests)
    return scores.sorted { one, other in
      let (a, b) = (one.ratio <= tolerance, other.ratio <= tolerance)
      if a != b { return a }
      let (own, theirs) = a ? (one.cost, other.cost) : (one.ratio, other.ratio)
      if own != theirs { return own < theirs }
      if one.cost != other.cost { return one.cost < other.cost }
      return one.candidate < other.candidate
    }
  }

  /// Who goes on from a round: one in ``reduction`` by rank, ``finalists`` at least, and whoever is best
  /// in a figure among those that seem to meet their objectives.
  func kept(_ scores: [Score], requests: Int) -> (kept: [Score], dropped: [Score]) {
    let order = ranked(scores, requests: requests)
    let count = max(finalists, (order.count + reduction - 1) / reduction)
    guard order.count > count else { return (order, []) }
    let tolerance = tolerance(requests: requests)
    var stays = Set(order.prefix(count).map(\.candidate))
    let able = order.filter { $0.ratio <= tolerance }
    for figure in (able.first?.figures ?? []).indices {
      let best = able.min {
        ($0.figures[figure], $0.cost, $0.candidate) < ($1.figures[figure], $1.cost, $1.candidate)
      }
      if let best, best.figures[figure].isFinite { stays.insert(best.candidate) }
    }
    return (
      order.filter { stays.contains($0.candidate) }, order.filter { !stays.contains($0.candidate) }
    )
  }
}
