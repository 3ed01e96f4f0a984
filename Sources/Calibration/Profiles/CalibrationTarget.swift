// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Hardware
import KernelTiming

/// The device of a machine that timings are of: a GPU or the processor.
public struct CalibrationTarget: Sendable {
  /// Which of the machine's devices.
  public enum Kind: String, CaseIterable, Sendable {
    case gpu, cpu
  }

  /// The machine as it was named.
  public var machine: String
  /// Which device it is.
  public var kind: Kind
  /// What the profile says of it.
  public var capability: DeviceCapability
  /// The laws that the profile has.
  public var laws: TimingLaws
  private let profile: MachineProfile

  /// The device of `profile` that rows of `device` are of: its first GPU, or its processor where that
  /// bears the name or there is no GPU.
  ///
  /// - Throws: `Diagnostics` when the profile's laws are wrong.
  public init(_ profile: MachineProfile, named machine: String, rowsOf device: String) throws {
    self.machine = machine
    self.profile = profile
    let isProcessor =
      profile.gpus.isEmpty || (device == profile.cpu.name && device != profile.gpus[0].name)
    kind = isProcessor ? .cpu : .gpu
    guard isProcessor else {
      capability = DeviceCapability(gpu: profile.gpus[0])
      laws = try TimingLaws(gpu: profile.gpus[0])
      return
    }
    capability = DeviceCapability(cpu: profile.cpu, dram: profile.dram)
    let collector = DiagnosticCollector()
    laws =
      profile.cpu.timing.map { TimingLaws.read($0, over: .processor, into: collector) }
      ?? .processor
    try collector.throwIfAny()
  }

  /// What to begin a fit with: the standard laws, since fitted ones would be fitted again.
  public var standardLaws: TimingLaws { kind == .cpu ? .processor : .datasheet }

  /// Whether rows of `device` are of this device by name.
  public func isNamed(_ device: String) -> Bool {
    device == capability.name || device.hasPrefix(capability.name + " ")
  }

  /// A machine's file that lays fitted laws and measured figures over this machine.
  ///
  /// - Parameters:
  ///   - laws: fitted laws; `nil` for none.
  ///   - resources: figures of memory, drive and link.
  ///   - name: the new machine's name.
  ///   - summary: what it is, in one line.
  ///   - source: who measured the figures and when.
  public func machineFile(
    _ laws: TimingLaws?, resources: MeasuredResources, name: String, summary: String,
    source: String
  ) -> String {
    var text = """
      # SPDX-License-Identifier: GPL-3.0-or-later
      name: \(TimingLaws.quoted(name))
      base: \(TimingLaws.quoted(machine))
      summary: \(TimingLaws.quoted(summary))

      """
    text += resources.yaml(over: profile, source: source)
    let link = resources.linkYAML(over: profile.gpus.first, source: source)
    let timing = laws.map { "  timing:\n" + $0.yaml(indentation: 4) } ?? ""
    switch kind {
    case .gpu where !(link + timing).isEmpty: text += "gpu:\n" + link + timing
    case .cpu where !timing.isEmpty: text += "cpu:\n" + timing
    case .gpu, .cpu: break
    }
    return text
  }
}
