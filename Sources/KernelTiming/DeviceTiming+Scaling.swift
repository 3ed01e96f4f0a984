// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Units

extension DeviceTiming {
  /// Seconds that each forward pass takes besides its layers.
  @inlinable
  public var perStepOverheadSeconds: Double { software.perStep }

  /// Seconds that each layer takes besides its kernels.
  @inlinable
  public var perLayerOverheadSeconds: Double { software.perLayer }

  /// Seconds that each copy takes on the CPU before it is queued.
  @inlinable
  public var perCopyOverheadSeconds: Double { software.perCopy }

  /// The same device with other rates: "what if memory were twice as fast?"
  ///
  /// - Parameters:
  ///   - compute: factor of all arithmetic rates.
  ///   - memory: factor of the memory's bandwidth.
  ///   - overhead: factor of everything that software and launches cost.
  public func scaled(
    compute: Double = 1, memory: Double = 1, overhead: Double = 1
  ) -> DeviceTiming {
    precondition(
      compute > 0 && memory > 0 && overhead >= 0, "Rates stay positive, costs not negative.")
    var software = software
    software.perKernel *= overhead
    software.perLayer *= overhead
    software.perExpert *= overhead
    software.perStep *= overhead
    software.perCopy *= overhead
    software.perRequest *= overhead
    software.perPromptToken *= overhead
    software.eagerPerLayer *= overhead
    var laws = laws
    laws.changeAll { entry in
      entry.law.launch *= overhead
      entry.law.depthLatency *= overhead
      entry.law.rowLatency *= overhead
    }
    for index in laws.attention.indices {
      laws.attention[index].launch *= overhead
      laws.attention[index].joinTime *= overhead
    }
    return DeviceTiming(
      capability: capability.scaled(compute: compute, memory: memory), software: software,
      laws: laws, kernels: kernels)
  }

  /// The same device by other laws.
  public func with(_ laws: TimingLaws) -> DeviceTiming {
    DeviceTiming(capability: capability, software: software, laws: laws, kernels: kernels)
  }

  /// The same device with other kernels.
  public func with(_ kernels: KernelSet) -> DeviceTiming {
    DeviceTiming(capability: capability, software: software, laws: laws, kernels: kernels)
  }
}

extension DeviceCapability {
  /// The same device with all arithmetic rates and the memory's bandwidth times a factor.
  public func scaled(compute: Double = 1, memory: Double = 1) -> DeviceCapability {
    var peaks: [ComputeClass: Rate] = [:]
    for computeClass in ComputeClass.allCases {
      let found = peak(for: computeClass)
      if found.computeClass == computeClass { peaks[computeClass] = found.rate.times(compute) }
    }
    var scaled = DeviceCapability(
      name: name, peaks: peaks, bandwidth: bandwidth.times(memory), units: units, clock: clock,
      cacheBytes: cacheBytes)
    scaled.linkRate = linkRate
    return scaled
  }
}

extension DeviceCapability.Rate {
  /// The rate times a factor.
  func times(_ factor: Double) -> Self {
    Self(nominal: nominal * factor, achievable: achievable * factor)
  }
}
