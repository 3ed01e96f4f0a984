// SPDX-License-Identifier: GPL-3.0-or-later

/// In which order a layer's experts are computed, and what their computation waits for.
public protocol SchedulePolicy: Sendable {
  /// How the experts of one layer become operations.
  ///
  /// - Parameters:
  ///   - resident: Activated experts that are in the fastest tier.
  ///   - missing: Activated experts that must be waited for.
  func emission(resident: Int, missing: Int) -> ExpertEmission
}

/// How the experts of one layer become operations on the compute stream.
public enum ExpertEmission: Sendable {
  /// One grouped kernel over all activated experts, once the last of them is there.
  case groupedWhenAllReady
  /// One grouped kernel over the resident experts at once, then each of the others by itself as it
  /// arrives.
  case residentThenEachAsReady
}
