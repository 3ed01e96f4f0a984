// SPDX-License-Identifier: GPL-3.0-or-later

/// In which order a layer's experts are computed, and what their computation waits for.
public protocol SchedulePolicy: Sendable {
  /// How the experts of one layer become operations.
  ///
  /// - Parameters:
  ///   - resident: Activated experts that are in the fastest tier.
  ///   - missing: Activated experts that must be waited for.
  func emission(resident: Int, missing: Int) -> ExpertEmission

  /// Whether a layer's set is one access event, or its members are asked for one by one; together
  /// by default.
  var access: MemberAccess { get }
}

extension SchedulePolicy {
  /// One access event for the whole set.
  public var access: MemberAccess { .together }
}

/// How the cache is asked for a layer's experts.
public enum MemberAccess: Sendable {
  /// One event: no member is evicted for another as long as the pool holds the set.
  case together
  /// One event for each member, in the order of their numbers: the next is asked for when the one
  /// before is there. A member may be evicted for one before it.
  case oneByOne
}

/// How the experts of one layer become operations on the compute stream.
public enum ExpertEmission: Sendable {
  /// One grouped kernel over all activated experts, once the last of them is there.
  case groupedWhenAllReady
  /// One grouped kernel over the resident experts at once, then each of the others by itself as it
  /// arrives.
  case residentThenEachAsReady
}
