// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Units

extension TimingLaws {
  /// The laws of one device for another whose kernels nobody timed.
  ///
  /// Shares stay, so that rates follow the other's profile; latencies shorten with its clock, where both
  /// are known, since launches and chains of dependent steps take cycles; grids stay behind, since they
  /// hold what one device's kernels do at its own tile and wave sizes. A class that this device multiplies
  /// as another (FP4 on Hopper) has kernels that unpack its weights, which say nothing of a device that
  /// multiplies it: that one gets the standard law.
  public func transferred(from origin: DeviceCapability, to target: DeviceCapability) -> TimingLaws
  {
    var laws = self
    let ratio = origin.clock > 0 && target.clock > 0 ? origin.clock / target.clock : 1
    laws.changeAll { entry in
      entry.grid = nil
      guard entry.residuals != nil else { return }
      entry.law.launch *= ratio
      entry.law.depthLatency *= ratio
      entry.law.rowLatency *= ratio
    }
    for computeClass in ComputeClass.allCases
    where origin.peak(for: computeClass).computeClass != computeClass
      && target.peak(for: computeClass).computeClass == computeClass
    {
      for family in KernelFamily.allCases {
        for storage in KernelSet.Storage.allCases {
          laws[family, computeClass, storage] = Entry(
            law: TimingLaws.datasheet[family, computeClass])
        }
      }
    }
    laws.attention = attention.map { law in
      var law = law
      law.grid = nil
      law.launch *= ratio
      law.tileTime *= ratio
      law.joinTime *= ratio
      law.tokenTime *= ratio
      return law
    }
    for index in laws.collectives.indices { laws.collectives[index].grid = nil }
    // A module holds the launches of a dozen kernels, and its law is one software's on one device.
    laws.latentAttention = []
    laws.source = "\(source), carried over from \(origin.name)"
    laws.residuals = nil
    laws.isTransferred = true
    return laws
  }
}
