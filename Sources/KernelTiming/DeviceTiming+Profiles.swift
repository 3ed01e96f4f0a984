// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Hardware
import Units

extension DeviceCapability.Rate {
  /// The rate of a profile's figure.
  init(_ figure: Figure) { self.init(nominal: figure.nominal, achievable: figure.achievable) }
}

extension DeviceCapability {
  /// What a GPU can do by its profile.
  public init(gpu: GPUProfile) {
    self.init(
      name: gpu.name, peaks: gpu.peak.mapValues { Rate($0) },
      bandwidth: Rate(gpu.memory.bandwidth), units: gpu.streamingMultiprocessors.nominal,
      clock: gpu.clock?.nominal ?? 0, cacheBytes: gpu.cache?.nominal ?? 0)
    // Devices without links of their own exchange through the host.
    linkRate = (gpu.peerLink ?? gpu.hostLink)?.bandwidth.nominal ?? 0
  }

  /// What the processors of a host can do on its memory.
  public init(cpu: CPUProfile, dram: DRAMProfile) {
    self.init(
      name: cpu.name, peaks: cpu.peak.mapValues { Rate($0) }, bandwidth: Rate(dram.bandwidth))
  }
}

extension DeviceCapability {
  /// What the units of a near-data device can do on its memory.
  public init(nearData: NearDataProfile) {
    self.init(
      name: nearData.name, peaks: nearData.peak.mapValues { Rate($0) },
      bandwidth: Rate(nearData.bandwidth))
  }
}

extension SoftwareCosts {
  /// The costs of a runtime profile.
  public init(_ runtime: RuntimeProfile) {
    self.init(
      perKernel: runtime.perKernelOverhead.effective, perLayer: runtime.perLayerOverhead.effective,
      perStep: runtime.perStepOverhead.effective, perCopy: runtime.perCopyOverhead.effective,
      computeEfficiency: runtime.computeEfficiency.effective,
      memoryEfficiency: runtime.memoryEfficiency.effective,
      dequantizationEfficiency: runtime.dequantizationEfficiency.effective,
      perExpert: runtime.perExpertOverhead?.effective ?? 0)
    perRequest = runtime.perRequestOverhead?.effective ?? 0
    perPromptToken = runtime.perPromptTokenOverhead?.effective ?? 0
    stepsAhead = Int(runtime.stepsAhead?.nominal ?? 0)
    eagerPerLayer = runtime.eagerLayerOverhead?.effective ?? 0
    graphTokens = runtime.graphTokens?.effective ?? 0
  }
}

extension DeviceTiming {
  /// The timing of a GPU under a runtime, by the laws that its profile carries, or else `laws`.
  ///
  /// - Throws: `Diagnostics` when the profile's `timing` is wrong.
  public init(
    gpu: GPUProfile, runtime: RuntimeProfile, laws: TimingLaws = .datasheet
  ) throws(Diagnostics) {
    self.init(
      capability: DeviceCapability(gpu: gpu), software: SoftwareCosts(runtime),
      laws: try TimingLaws(gpu: gpu, over: laws))
  }

  /// The timing of a host's processors under a runtime.
  ///
  /// Launches on the GPU are no cost here; the runtime's shares of the rates hold.
  ///
  /// - Throws: `Diagnostics` when the profile's `timing` is wrong.
  public init(
    cpu: CPUProfile, dram: DRAMProfile, runtime: RuntimeProfile, laws: TimingLaws = .processor
  ) throws(Diagnostics) {
    var software = SoftwareCosts(runtime)
    software.perKernel = 0
    software.perExpert = 0
    if let share = runtime.hostMemoryEfficiency { software.memoryEfficiency = share.effective }
    self.init(
      capability: DeviceCapability(cpu: cpu, dram: dram), software: software,
      laws: try TimingLaws(cpu.timing, over: laws))
  }

  /// The timing of a near-data device; launches are no cost here.
  public init(nearData: NearDataProfile, runtime: RuntimeProfile, laws: TimingLaws = .processor) {
    var software = SoftwareCosts(runtime)
    software.perKernel = 0
    software.perExpert = 0
    self.init(
      capability: DeviceCapability(nearData: nearData), software: software, laws: laws)
  }
}

extension TimingLaws {
  /// The laws of a GPU: those that its profile carries, those of another device carried over to it, or
  /// else `standard`.
  ///
  /// - Throws: `Diagnostics` when a profile's `timing` is wrong.
  public init(gpu: GPUProfile, over standard: TimingLaws = .datasheet) throws(Diagnostics) {
    guard let origin = gpu.timingOrigin else {
      try self.init(gpu.timing, over: standard)
      return
    }
    self = try TimingLaws(gpu: origin, over: standard).transferred(
      from: DeviceCapability(gpu: origin), to: DeviceCapability(gpu: gpu))
  }

  /// The laws that a profile carries, or else `standard`.
  ///
  /// - Throws: `Diagnostics` when they are wrong.
  init(_ node: ConfigurationNode?, over standard: TimingLaws) throws(Diagnostics) {
    self = standard
    guard let node else { return }
    let collector = DiagnosticCollector()
    self = TimingLaws.read(node, over: standard, into: collector)
    try collector.throwIfAny()
  }
}
