// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import RandomStreams

/// How many tokens each expert of a device gets in a timed kernel, where a table says only by which rule
/// they were drawn.
public struct ExpertLoads: Hashable, Sendable {
  /// The rule of a table's `distribution`.
  public enum Skew: Hashable, Sendable {
    /// Token t takes experts t, t + s, t + 2 s … with s = experts / choices, wrapped around; fewer
    /// tokens than s are spread over its length.
    case balanced
    /// Shares by a power law of this exponent, rounded; what rounding leaves over goes to each device in
    /// turn, there to the expert with the fewest tokens (or comes from that with the most). The busiest
    /// device is timed. The collector of ai-dynamo/aiconfigurator.
    case perDevice(exponent: Double)
    /// The same, but what is left over goes to experts from the smallest on, all devices together: an
    /// earlier version of that collector.
    case smallestFirst(exponent: Double)

    /// The rule that a table's text names; `nil` for others.
    public init?(_ text: String) {
      if text == "balanced" || text == "uniform" {
        self = .balanced
      } else if text.hasPrefix("power_law_smallest_first_"),
        let exponent = Self.exponent(text.dropFirst("power_law_smallest_first_".count))
      {
        self = .smallestFirst(exponent: exponent)
      } else if text.hasPrefix("power_law_"),
        let exponent = Self.exponent(text.dropFirst("power_law_".count))
      {
        self = .perDevice(exponent: exponent)
      } else {
        return nil
      }
    }

    /// An exponent from 0 to 100 but 1, where a power law has no inverse of this form.
    private static func exponent(_ text: Substring) -> Double? {
      Double(text).flatMap { (0...100).contains($0) && $0 != 1 ? $0 : nil }
    }
  }

  /// Tokens times choices that fall on the timed device, on average.
  public var assignments: Double
  /// Its experts that get at least one token, on average.
  public var activated: Double
  /// The busiest expert's tokens over the mean of all experts of the device.
  public var loadRatio: Double

  /// The loads of `tokens` tokens that choose `choices` of `experts` experts, spread evenly over
  /// `devices`, on the busiest device.
  ///
  /// - Complexity: O(draws · (experts + what rounding leaves over)).
  public init(
    tokens: Int, choices: Int, experts: Int, devices: Int, skew: Skew, draws: Int = 8
  ) {
    var counts: [[Int]] = []
    switch skew {
    case .balanced:
      counts = [Self.balanced(tokens: tokens, choices: choices, experts: experts)]
    case .perDevice(let exponent), .smallestFirst(let exponent):
      let isPerDevice = if case .perDevice = skew { true } else { false }
      for draw in 0..<draws {
        let entity = UInt64(tokens) << 32 | UInt64(experts) << 16 | UInt64(devices) << 8
        var stream = RandomStream(
          seed: UInt64(choices) << 32 | UInt64(exponent * 1_000), replication: UInt32(draw),
          purpose: .residuals, entity: entity)
        counts.append(
          Self.skewed(
            tokens: tokens, choices: choices, experts: experts,
            devices: isPerDevice ? devices : 1, fillsSmallest: !isPerDevice, exponent: exponent,
            stream: &stream))
      }
    }
    let own = experts / devices
    var (sum, used, ratio) = (0.0, 0.0, 0.0)
    for drawn in counts {
      let parts = (0..<devices).map { drawn[($0 * own)..<(($0 + 1) * own)] }
      let busiest =
        skew == .balanced
        ? parts[0] : parts.max { $0.reduce(0, +) < $1.reduce(0, +) } ?? parts[0]
      let total = busiest.reduce(0, +)
      sum += Double(total)
      used += Double(busiest.count { $0 > 0 })
      ratio += Double(busiest.max() ?? 0) * Double(own) / Double(max(1, total))
    }
    let number = Double(counts.count)
    assignments = max(1, sum / number)
    activated = max(1, used / number)
    loadRatio = ratio / number
  }

  private static func balanced(tokens: Int, choices: Int, experts: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: experts)
    let stride = (experts + choices - 1) / choices
    // The pattern repeats after `experts` tokens.
    let (rounds, rest) =
      tokens >= stride ? tokens.quotientAndRemainder(dividingBy: experts) : (0, tokens)
    if rounds > 0 { for expert in 0..<experts { counts[expert] = rounds * choices } }
    for token in 0..<rest {
      var taken = Set<Int>()
      for choice in 0..<choices {
        let place =
          tokens >= stride
          ? token + choice * stride
          : Int((Double(token * stride) / Double(tokens) + Double(choice * stride)).rounded(.down))
        taken.insert(place % experts)
      }
      // A choice that wrapped around onto another is replaced by the first expert that is free.
      var next = 0
      while taken.count < choices {
        taken.insert(next)
        next += 1
      }
      for expert in taken { counts[expert] += 1 }
    }
    return counts
  }

  private static func skewed(
    tokens: Int, choices: Int, experts: Int, devices: Int, fillsSmallest: Bool, exponent: Double,
    stream: inout RandomStream
  ) -> [Int] {
    let total = tokens * choices
    let (low, high) = total > experts ? (1.0, Double(tokens) * 0.8) : (0.01, 2.0)
    let power = 1 - exponent
    let shares = (0..<experts).map { _ in
      pow(
        (pow(high, power) - pow(low, power)) * Double.random(in: 0..<1, using: &stream)
          + pow(low, power), 1 / power)
    }
    let sum = shares.reduce(0, +)
    var counts = shares.map { Int(($0 / sum * Double(total)).rounded(.toNearestOrEven)) }
    let excess = counts.reduce(0) { $0 + max(0, $1 - tokens) }
    for expert in 0..<experts { counts[expert] = min(counts[expert], tokens) }
    if fillsSmallest {
      fillSmallest(&counts, excess, limit: tokens, keepsAtOne: true)
      fillSmallest(&counts, total - counts.reduce(0, +), limit: tokens, keepsAtOne: false)
    } else {
      adjust(&counts, by: excess, devices: devices, limit: tokens)
      adjust(&counts, by: total - counts.reduce(0, +), devices: devices, limit: tokens)
    }
    return counts
  }

  /// Adds `change` tokens (or takes them away), a device at a time, to the expert with the fewest (from
  /// that with the most). Large changes go in larger portions.
  private static func adjust(_ counts: inout [Int], by change: Int, devices: Int, limit: Int) {
    let own = counts.count / devices
    let portion = max(1, abs(change) / (4 * counts.count))
    var rest = abs(change)
    while rest > 0 {
      let before = rest
      for device in 0..<devices where rest > 0 {
        let places = (device * own)..<((device + 1) * own)
        if change > 0 {
          guard let place = places.min(by: { counts[$0] < counts[$1] }), counts[place] < limit
          else { continue }
          let part = min(portion, rest, limit - counts[place])
          counts[place] += part
          rest -= part
        } else {
          guard let place = places.max(by: { counts[$0] < counts[$1] }), counts[place] > 0
          else { continue }
          let part = min(portion, rest, counts[place])
          counts[place] -= part
          rest -= part
        }
      }
      if rest == before { return }
    }
  }

  /// Adds `change` tokens from the expert with the fewest on: all to one until it is full, or one to
  /// each in turn.
  private static func fillSmallest(
    _ counts: inout [Int], _ change: Int, limit: Int, keepsAtOne: Bool
  ) {
    guard change != 0, counts.contains(where: { change > 0 ? $0 < limit : $0 > 0 }) else { return }
    // Descending, equal ones in their order: read from the end.
    let order = counts.indices.sorted {
      counts[$0] > counts[$1] || (counts[$0] == counts[$1] && $0 < $1)
    }
    var rest = abs(change)
    var turn = 0
    while rest > 0 {
      let place = order[order.count - 1 - turn % order.count]
      turn += 1
      if change > 0 {
        guard counts[place] < limit else { continue }
        let part = keepsAtOne ? min(rest, limit - counts[place]) : 1
        counts[place] += part
        rest -= part
      } else {
        guard counts[place] > 0 else { continue }
        counts[place] -= 1
        rest -= 1
      }
    }
  }
}
