// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Units

/// Loads what a token needs most in full precision, the next in a less precise version, and leaves
/// out the rest: HOBBIT's dynamic loading (arXiv 2411.01433, section 3.2).
///
/// A token's experts are ordered by gate weight; the score of each is the share of weight that
/// heavier ones hold. Only a miss is decided so: an expert that is resident in full precision is used
/// as it is. With a score of at most `high` it is loaded in full precision, with one of at most
/// `skip` in the less precise version, else it is left out. What a step's tokens choose together is
/// decided by the token that needs it most.
///
/// The paper does not say whether a resident less precise copy serves an important expert; here it
/// does not.
public struct ScoreThresholdResolve: ResolvePolicy {
  /// The score up to which a miss is loaded in full precision.
  public let high: Float
  /// The score up to which it is loaded in the less precise version.
  public let skip: Float
  /// Whether misses are computed where they are stored and not loaded.
  public let computesMisses: Bool
  private let low: ExpertVersion

  /// A policy with thresholds and a less precise version.
  public init(high: Double, skip: Double, low: ExpertVersion, computesMisses: Bool = false) {
    self.high = Float(high)
    self.skip = Float(skip)
    self.low = low
    self.computesMisses = computesMisses
  }

  /// The less precise version.
  public var versions: [ExpertVersion] { [low] }
  /// Needs scores.
  public var needsScores: Bool { true }
  /// As it was made.
  public var usesHostCompute: Bool { computesMisses }

  private var layout: BlockLayout?

  /// Learns where versions stand.
  public mutating func configure(_ context: ResolveContext) { layout = context.layout }

  /// Chooses by score for each expert that is not there in full precision.
  ///
  /// - Complexity: O(1) for each expert.
  public mutating func resolve(
    _ set: borrowing ActivatedSet, residency: borrowing ResidencyView, queues: QueueView,
    choices: inout [ExpertChoice]
  ) {
    guard let layout else { return }
    for (index, entry) in set.experts.enumerated() {
      let full = layout.block(layer: set.layer, expert: Int(entry.expert))
      if residency.isPresent(full) { continue }
      if entry.score > skip {
        choices[index] = .skip
      } else if entry.score > high {
        let block = layout.block(layer: set.layer, expert: Int(entry.expert), version: 1)
        choices[index] = computesMisses && !residency.isPresent(block) ? .host : .version(1)
      } else if computesMisses {
        choices[index] = .host
      }
    }
  }

  static let registration = RoleRegistration<any ResolvePolicy>(
    name: "score-thresholds",
    summary: "loads a miss in full or low precision, or leaves it out, by its share of gate weight",
    parameters: [
      RoleParameter(
        "high", .number(0...1), default: 0.6,
        summary: "score up to which a missing expert is loaded in full precision"),
      RoleParameter(
        "skip", .number(0...1), default: 0.9,
        summary: "score above which a missing expert is left out"),
      RoleParameter(
        "low", .format, otherwise: "a quarter of the bits",
        summary: "the format of the less precise version"),
      RoleParameter(
        "low_share", .shares(0...1, most: 1), default: 0.25,
        summary: "share of the expert cache's bytes that is the less precise version's"),
      RoleParameter(
        "misses", .choice(["fetch", "host"]), word: "fetch",
        summary: "whether missing experts are fetched, or computed where they are stored"),
    ]
  ) { (settings) throws(RoleProblem) in
    let high = settings.number("high") ?? 0.6
    let skip = settings.number("skip") ?? 0.9
    guard high <= skip else {
      throw RoleProblem(
        parameter: "skip", message: "\(skip) is below high, \(high); at least that is expected")
    }
    let version = ExpertVersion(
      format: settings.format("low"), cacheShare: settings.number("low_share") ?? 0.25)
    return ScoreThresholdResolve(
      high: high, skip: skip, low: version, computesMisses: settings.text("misses") == "host")
  }
}
