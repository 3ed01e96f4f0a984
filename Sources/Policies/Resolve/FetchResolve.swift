// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Computes every activated expert on the device, and fetches what is not there.
public struct FetchResolve: ResolvePolicy {
  /// The plain policy.
  public init() {}
  /// Leaves every choice as it is.
  public mutating func resolve(
    _ set: borrowing ActivatedSet, residency: borrowing ResidencyView, queues: QueueView,
    choices: inout [ExpertChoice]
  ) {}
}
