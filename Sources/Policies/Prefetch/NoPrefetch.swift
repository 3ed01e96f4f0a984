// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Fetches nothing ahead: an expert is loaded when the gate has named it.
public struct NoPrefetch: PrefetchPolicy {
  /// A policy that asks for nothing.
  public init() {}
  /// Never asks for anything.
  public var isActive: Bool { false }
  /// Needs to know nothing.
  public mutating func configure(layout: BlockLayout) {}
}
