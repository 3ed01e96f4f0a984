// SPDX-License-Identifier: GPL-3.0-or-later

extension ReplicaGroup {
  /// The nominal peaks of all GPUs of a replica [B/s, FLOP/s], with the class of the arithmetic.
  func peaks(
    _ costs: PassCosts
  ) -> (gpus: Int, bandwidth: Double, rate: Double, name: String) {
    let peak = timing.capability.peak(for: costs.computeClass)
    let gpus = plan.devices
    return (
      gpus, figures.deviceBandwidth * Double(gpus), peak.rate.nominal * Double(gpus),
      peak.computeClass.name
    )
  }
}
