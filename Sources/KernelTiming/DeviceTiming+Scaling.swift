// SPDX-License-Identifier: GPL-3.0-or-later

import Units

extension DeviceTiming {
  /// The timing of a device whose arithmetic, memory or software is faster: what a re-run asks that
  /// wants to know which of them would help.
  ///
  /// - Parameters:
  ///   - compute: The factor on every arithmetic peak.
  ///   - memory: The factor on the memory's bandwidth.
  ///   - overhead: The factor on what the software adds; below 1 is faster.
  public func scaled(
    compute: Double = 1, memory: Double = 1, overhead: Double = 1
  ) -> DeviceTiming {
    let scale = { (rate: DeviceCapability.Rate, factor: Double) in
      DeviceCapability.Rate(
        nominal: rate.nominal * factor, achievable: rate.achievable * factor)
    }
    var faster = software
    faster.perKernel *= overhead
    faster.perLayer *= overhead
    faster.perStep *= overhead
    faster.perCopy *= overhead
    var peaks: [ComputeClass: DeviceCapability.Rate] = [:]
    for wanted in ComputeClass.allCases {
      let (actual, rate) = capability.peak(for: wanted)
      if actual == wanted { peaks[wanted] = scale(rate, compute) }
    }
    return DeviceTiming(
      capability: DeviceCapability(
        name: capability.name, peaks: peaks,
        bandwidth: scale(capability.bandwidth, memory)),
      software: faster, laws: laws)
  }
}
