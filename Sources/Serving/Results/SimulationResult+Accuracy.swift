// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

extension SimulationResult {
  /// What is known of the answers' accuracy: published scores, which a simulation does not change, and what
  /// the policy serves otherwise than the model that was scored.
  ///
  /// The two are never multiplied.
  public struct AccuracyReport: Codable, Sendable {
    /// A published score.
    public struct Score: Codable, Sendable, Equatable {
      /// The score, as its source has it.
      public var score: Double
      /// What was measured: data set and measure.
      public var metric: String
      /// The format of the experts, or in words what was scored.
      public var precision: String
      /// Where the score stands.
      public var source: String
    }

    /// The score of the model in the precision of the run's experts; `nil` where none is known.
    public var score: Double?
    /// What it measures.
    public var metric: String?
    /// The format of the experts that it is of.
    public var precision: String?
    /// Where it stands.
    public var source: String?
    /// Every score that is known of the model, in any precision.
    public var known: [Score]
    /// Where the policy changes what tokens get: the share of the gates' weight that was served in each
    /// format of the experts, and the share that was left out, `skipped`; else empty.
    public var gateShares: [NamedValue]
    /// What the two say together, in a sentence.
    public var basis: String
  }
}

/// The gates' weight that was served, by version of the experts, and that was left out.
struct GateMass: Sendable {
  var byVersion: [Double] = []
  var skipped = 0.0

  /// Adds weight that is served in a version.
  mutating func serve(_ weight: Double, version: Int) {
    while byVersion.count <= version { byVersion.append(0) }
    byVersion[version] += weight
  }
}

extension SimulationResult.AccuracyReport {
  /// `nil` where no score is known and the policy changes nothing.
  ///
  /// - Parameters:
  ///   - scores: What is known, that of the scenario first.
  ///   - formats: The formats of the experts' versions, the most precise first.
  ///   - mass: What the gates asked for; `nil` where every expert is served as it is.
  init?(scores: [ModelScore], formats: [String], mass: GateMass?) {
    guard !scores.isEmpty || mass != nil else { return nil }
    let match = scores.first { $0.precision == formats.first }
    var shares: [SimulationResult.NamedValue] = []
    if let mass {
      let total = max(mass.byVersion.reduce(0, +) + mass.skipped, .leastNonzeroMagnitude)
      for (version, format) in formats.enumerated() {
        let weight = version < mass.byVersion.count ? mass.byVersion[version] : 0
        shares.append(.init(name: format, value: weight / total))
      }
      shares.append(.init(name: "skipped", value: mass.skipped / total))
    }
    let changes = shares.dropFirst().contains { $0.value > 0 }
    var words =
      match.map { "published for experts in \($0.precision); the simulation does not change it" }
      ?? (scores.isEmpty
        ? "no score of this model is known"
        : "no score is known with experts in \(formats.first ?? "")")
    if changes {
      words +=
        ", and the policy serves other weights to a part of the gates' choices: what that does"
        + " to a score is not simulated"
    }
    self.init(
      score: match?.score, metric: match?.metric, precision: match?.precision,
      source: match?.source,
      known: scores.map {
        .init(score: $0.score, metric: $0.metric, precision: $0.precision, source: $0.source)
      }, gateShares: shares, basis: words)
  }
}
