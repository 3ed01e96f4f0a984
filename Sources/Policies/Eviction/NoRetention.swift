// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Keeps nothing: every block streams through, used once and forgotten. What offloading costs
/// without a cache.
public struct NoRetention: EvictionPolicy {
  /// Creates the rule.
  public init() {}

  /// Does nothing.
  public mutating func configure(for view: borrowing ResidencyView) {}

  /// No block may have room.
  public func admits(_ block: BlockID) -> Bool { false }

  /// Does nothing.
  public mutating func accessed(_ block: BlockID, weight: Float) {}

  /// Does nothing.
  public mutating func admitted(_ block: BlockID) {}

  /// Does nothing.
  public mutating func evicted(_ block: BlockID) {}

  /// Does nothing.
  public mutating func reset() {}

  /// Nobody: nothing is present.
  public mutating func victim(in pool: Int, view: borrowing ResidencyView) -> BlockID? { nil }

  static let registration = EvictionRegistration(
    name: "none", summary: "keeps nothing: every expert streams through"
  ) { _ in NoRetention() }
}
