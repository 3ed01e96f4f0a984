// SPDX-License-Identifier: GPL-3.0-or-later

/// Computes resident experts while the others are on their way, and each of those as it arrives.
///
/// "Resident first" of mixtral-offloading (arXiv 2312.17238, `unordered=True` in its code).
public struct ComputeAsReady: SchedulePolicy {
  /// A schedule that computes each expert as soon as it can.
  public init() {}
  /// One grouped kernel when nothing is missing; else residents first, then each as it arrives.
  public func emission(resident: Int, missing: Int) -> ExpertEmission {
    missing == 0 ? .groupedWhenAllReady : .residentThenEachAsReady
  }
}
