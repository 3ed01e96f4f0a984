// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Leaves out those of a token's experts that weigh little beside its heaviest: less than β times as
/// much.
///
/// *Not All Experts are Equal* (arXiv 2402.14800, section 3.3): the second of a Mixtral token's experts
/// is skipped if w₂ < β w₁, where β is the median of w₂/w₁ over sample text, so that half of the tokens
/// skip it. The paper sets β for each layer; here one value holds for all, since layers of the routing
/// generator differ little in it. Of more than two experts, each is held against the first.
public struct SkipByRatio: ResolvePolicy {
  /// Weights below this share of the heaviest are left out; `nil` until the routing's median is known.
  public private(set) var beta: Float?

  /// Skips by a given ratio, or by the median of the routing.
  public init(beta: Double? = nil) { self.beta = beta.map { Float($0) } }

  /// Whether β is still to be taken from the routing.
  public var needsMedian: Bool { beta == nil }

  /// Takes β from a sample of the routing, where none was given; 0 when tokens have one choice.
  public mutating func calibrate(with sample: RoutingSample) {
    if beta == nil { beta = sample.medianRatio ?? 0 }
  }

  /// Tokens may use fewer experts.
  public var skipsChoices: Bool { true }

  /// The number of leading weights that are not below β times the first.
  public func kept(of weights: [Float]) -> Int {
    guard let heaviest = weights.first else { return 0 }
    let limit = (beta ?? 0) * heaviest
    var count = 1
    while count < weights.count && weights[count] >= limit { count += 1 }
    return count
  }

  /// Leaves what is left as it is.
  public mutating func resolve(
    _ set: borrowing ActivatedSet, residency: borrowing ResidencyView, queues: QueueView,
    choices: inout [ExpertChoice]
  ) {}
}

extension SkipByRatio {
  static let registration = RoleRegistration<any ResolvePolicy>(
    name: "skip-by-ratio", summary: "leaves out experts far lighter than a token's heaviest",
    parameters: [
      RoleParameter(
        "beta", .shares(0...1, most: 1), otherwise: "the routing's median ratio",
        summary: "the share of the heaviest's gate weight below which one is left out")
    ]
  ) { settings in SkipByRatio(beta: settings.number("beta")) }
}
