// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// A share of a workload's requests, and how urgent they are.
public struct PriorityShare: Hashable, Sendable {
  /// The priority; the higher goes first.
  public var priority: Int32
  /// The share of the requests that has it, from 0 to 1.
  public var share: Double

  /// A priority and its share.
  public init(priority: Int32, share: Double) {
    self.priority = priority
    self.share = share
  }
}

extension [PriorityShare] {
  /// The priority of a request, drawn by its number alone: one of the shares', or 0.
  func draw(seed: UInt64, replication: UInt32, request: UInt64) -> Int32 {
    var stream = RandomStream(
      seed: seed, replication: replication, purpose: .priorities, entity: request)
    var left = stream.uniform()
    for entry in self {
      if left < entry.share { return entry.priority }
      left -= entry.share
    }
    return 0
  }
}
