// SPDX-License-Identifier: GPL-3.0-or-later

/// Loads all that a layer misses, then computes the layer in one grouped kernel.
public struct LoadThenCompute: SchedulePolicy {
  /// A schedule that computes when the last expert has arrived.
  public init() {}
  /// One grouped kernel, whatever is missing.
  public func emission(resident: Int, missing: Int) -> ExpertEmission { .groupedWhenAllReady }
}
