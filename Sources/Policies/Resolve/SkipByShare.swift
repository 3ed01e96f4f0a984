// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Leaves out those of a token's experts whose share of the gate, times the number of choices, is at
/// most ε.
///
/// *DS-MoE* (arXiv 2404.05567, sections 3.2 and 4.3) trains with every expert active, and at inference
/// uses those with N p > ε, p being the gate's probability and N the experts; ε = 0.48 in its test of
/// utilisation. It is meant for a model whose gate chooses all of its experts (`num_experts_per_tok` =
/// experts). The heaviest is always used.
public struct SkipByShare: ResolvePolicy {
  /// The limit on N p.
  public let epsilon: Float

  /// Skips shares of at most `epsilon` / N.
  public init(epsilon: Double) { self.epsilon = Float(epsilon) }

  /// Tokens may use fewer experts.
  public var skipsChoices: Bool { true }

  /// The number of leading weights whose share, times their number, is above ε; at least one.
  public func kept(of weights: [Float]) -> Int {
    var sum: Float = 0
    for weight in weights { sum += weight }
    let limit = epsilon * sum / Float(max(1, weights.count))
    var count = min(1, weights.count)
    while count < weights.count && weights[count] > limit { count += 1 }
    return count
  }

  /// Leaves what is left as it is.
  public mutating func resolve(
    _ set: borrowing ActivatedSet, residency: borrowing ResidencyView, queues: QueueView,
    choices: inout [ExpertChoice]
  ) {}
}

extension SkipByShare {
  static let registration = RoleRegistration<any ResolvePolicy>(
    name: "skip-by-share", summary: "leaves out experts of small share in a token's gate",
    parameters: [
      RoleParameter(
        "epsilon", .number(0...65_536), default: 0.48,
        summary: "the limit on the share times the number of choices")
    ]
  ) { settings in SkipByShare(epsilon: settings.number("epsilon") ?? 0.48) }
}
