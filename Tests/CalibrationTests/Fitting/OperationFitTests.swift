// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Hardware
import KernelTiming
import ModelDescriptors
import TestSupport
import Testing

@testable import Calibration

/// Laws of collectives and of latent attention: fits to made-up times, profiles, recorded tables.
@Suite struct OperationFitTests {
  static let device: DeviceCapability = {
    var device = DeviceCapability(
      name: "a GPU",
      peaks: [.fp32: .init(nominal: 60e12), .fp16: .init(nominal: 900e12)],
      bandwidth: .init(nominal: 3e12), units: 132, cacheBytes: 50e6)
    device.linkRate = 400e9
    return device
  }()

  static func collectives(_ law: CollectiveLaw, kinds: [MeasuredKernel]) -> [KernelMeasurement] {
    kinds.flatMap { kernel in
      [2, 4, 8].flatMap { devices in
        (9...30).map { power in
          var row = KernelMeasurement(
            device: "a GPU", kernel: kernel,
            median: law.seconds(
              CollectiveLaw.Kind(rawValue: kernel.rawValue) ?? .allReduce,
              devices: Double(devices), bytes: Double(1 << power), linkRate: device.linkRate),
            source: "made up")
          row.devices = devices
          row.bytes = 1 << power
          row.implementation = "nccl"
          return row
        }
      }
    }
  }

  static var made: CollectiveLaw {
    var law = CollectiveLaw(.ring)
    law.launch = 6e-6
    law.stepTime = 8e-7
    law.linkEfficiency = 0.55
    law.reduceEfficiency = 0.66
    law.sharing = 0.8
    law.ramp = 4e-5
    law.rampBytes = 1e7
    return law
  }

  @Test func `A fit to a law's own times predicts them at devices and sizes unseen`() throws {
    let rows = Self.collectives(Self.made, kinds: [.allReduce, .allGather, .reduceScatter])
    let outcome = try Calibrator(device: Self.device, base: .datasheet).fit(rows, source: "test")
    #expect(outcome.unused.isEmpty)
    #expect(
      outcome.operations.map(\.variant) == ["nccl, kind and devices unseen", "nccl, bytes unseen"])
    for fit in outcome.operations {
      #expect(fit.lawOnHeldOut.median < 0.02, "\(fit.variant): \(fit.lawOnHeldOut.median)")
      #expect(fit.lawOnHeldOut.p90 < 0.06, "\(fit.variant): \(fit.lawOnHeldOut.p90)")
    }
    #expect(outcome.operations.filter(\.isChosen).count == 1)
    let law = try #require(outcome.laws.collective(.allReduce))
    #expect(law.residuals != nil)
    #expect(outcome.laws.collective(.allToAll) == nil)
    let large = CollectiveLaw.Shape(.allReduce, devices: 8, bytes: 1e9)
    let expected = Self.made.seconds(large, on: Self.device, cached: false)
    #expect(abs(law.predicted(large, on: Self.device) / expected - 1) < 0.03)
  }

  @Test func `The formula of a collective is that of its comment`() {
    let law = Self.made
    // 2 · 7 steps, 2 · 7/8 of the bytes over links shared by eight.
    let bytes = 1e9
    let ratio = 1.75e9 / law.rampBytes
    let ramp = law.ramp * (1 - 1 / (1 + ratio * ratio.squareRoot()))
    let change = (bytes / law.protocolBytes) * (bytes / law.protocolBytes)
    let expected =
      6e-6 + 14 * (8e-7 + law.protocolTime * change / (1 + change))
      + 1.75e9 / (400e9 * 0.66 * 1.3195079107728942) + ramp
    let seconds = law.seconds(.allReduce, devices: 8, bytes: bytes, linkRate: 400e9)
    #expect(abs(seconds / expected - 1) < 1e-9)
    #expect(law.seconds(.allReduce, devices: 1, bytes: bytes, linkRate: 400e9) == 0)
    #expect(
      law.seconds(.allGather, devices: 8, bytes: bytes, linkRate: 400e9) < seconds)
  }

  static func modules(_ law: LatentAttentionLaw) -> [KernelMeasurement] {
    [8, 16, 32, 64, 128].flatMap { heads in
      [1, 4, 16, 64, 256].flatMap { batch in
        [2, 256, 1_024, 4_096, 16_384, 65_536].map { context in
          var row = KernelMeasurement(
            device: "a GPU", kernel: .latentAttentionDecode,
            median: law.seconds(
              .init(sequences: Double(batch), heads: Double(heads), context: Double(context)),
              on: device, cached: true),
            source: "made up")
          row.implementation = "FLASH with projections"
          (row.heads, row.batch, row.past, row.headSize) = (heads, batch, context, 576)
          (row.hidden, row.precision, row.kvPrecision) = (7_168, "bf16", "fp8")
          return row
        }
      }
    }
  }

  static var module: LatentAttentionLaw {
    var law = LatentAttentionLaw(kernel: .flash, hasNarrowWeights: false, hasNarrowCache: true)
    law.launch = 7e-5
    law.weightEfficiency = 0.82
    law.memoryEfficiency = 0.9
    law.ramp = 1e-5
    return law
  }

  @Test func `A fit to a module's own times predicts heads and batches unseen`() throws {
    let rows = Self.modules(Self.module)
    let outcome = try Calibrator(device: Self.device, base: .datasheet).fit(rows, source: "test")
    #expect(outcome.operations.count == 3)
    for fit in outcome.operations {
      #expect(fit.name == "latent_attention bf16 over fp8")
      #expect(fit.lawOnHeldOut.median < 0.02, "\(fit.variant): \(fit.lawOnHeldOut.median)")
      #expect(fit.lawOnHeldOut.p90 < 0.06, "\(fit.variant): \(fit.lawOnHeldOut.p90)")
    }
  }

  @Test func `Kernels without projections or of other widths are not taken for the module`() {
    var row = Self.modules(Self.module)[0]
    #expect(row.timedLatentAttention() != nil)
    row.hidden = 5_120
    #expect(row.timedLatentAttention() == nil)
    row.hidden = 7_168
    row.implementation = "FlashMLA"
    #expect(row.timedLatentAttention() == nil)
    #expect(row.timedWork() == nil)
  }

  @Test func `A profile gives back the laws that it was written from`() throws {
    let rows =
      Self.collectives(Self.made, kinds: [.allReduce, .allGather]) + Self.modules(Self.module)
    let laws = try Calibrator(device: Self.device, base: .datasheet).fit(rows, source: "t").laws
    let collector = DiagnosticCollector()
    let node = try ConfigurationNode.parse(laws.yaml(), file: "laws.yaml")
    let read = TimingLaws.read(node, over: .datasheet, into: collector)
    #expect(collector.all.map(\.description) == [])
    let check = TimingCheck(rows, laws: read, device: Self.device, isRepeated: true)
    #expect(check.families.map(\.name) == ["ring collectives", "latent_attention bf16 over fp8"])
    for family in check.families {
      #expect(family.isFitted)
      #expect(family.errors.p90 < 0.05, "\(family.name): \(family.errors.p90)")
    }
    #expect(read.collectives[0].residuals?.points == laws.collectives[0].residuals?.points)
    #expect(read.latentAttention[0].hasNarrowCache)
    #expect(!read.latentAttention[0].hasNarrowWeights)
    #expect(read.collectives[0].grid?.axes == laws.collectives[0].grid?.axes)
    // Without laws of them, rows are named as not judged.
    let bare = TimingCheck(rows, laws: .datasheet, device: Self.device, isRepeated: true)
    #expect(bare.families.isEmpty)
    #expect(bare.unused.map(\.name) == ["latent_attention bf16 over fp8", "ring collectives"])
    #expect(bare.unused.map(\.count) == [150, rows.count - 150])
  }

  @Test(
    arguments: [
      ("collectives: [{pattern: star}]", "star"),
      ("collectives: [{pattern: ring, launch: 4 GiB}]", "launch"),
      ("collectives: [{pattern: ring, sharin: 1}]", "sharin"),
      ("latent_attention: [{kernel: flash, weights: bf16}]", "cache"),
      ("latent_attention: [{kernel: flash, weights: bf16, cache: bf16, ramp: -1 us}]", "ramp"),
    ])
  func `Wrong parameters are located`(text: String, names: String) throws {
    let collector = DiagnosticCollector()
    let node = try ConfigurationNode.parse("source: x\n" + text, file: "gpu.yaml")
    _ = TimingLaws.read(node, over: .datasheet, into: collector)
    #expect(
      collector.all.contains {
        $0.description.contains(names) && $0.description.hasPrefix("gpu.yaml:")
      })
  }
}

/// Errors on unseen shapes of recorded tables, with a margin, where the data are at hand.
@Suite(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
struct RecordedOperationTests {
  struct Recorded: Sendable, CustomTestStringConvertible {
    var file: String
    var machine: String
    /// The most that the median may be, by the law's name, over all ways of holding points out.
    var medians: [(name: String, most: Double)]
    var testDescription: String { file }
  }

  static let recorded: [Recorded] = [
    Recorded(
      file: "comm_h100_sxm_nccl2.29.2_nccl_perf", machine: "h100-sxm-server",
      medians: [("ring collectives", 0.065), ("all_to_all", 0.045)]),
    Recorded(
      file: "comm_a100_sxm_nccl2.27.3_nccl_perf", machine: "a100-sxm-server",
      medians: [("ring collectives", 0.06), ("all_to_all", 0.075)]),
    // Eight L40S exchange through two sockets, in no order of sizes: all-to-all is not predicted.
    Recorded(
      file: "comm_l40s_nccl2.27.3_nccl_perf", machine: "l40s-server",
      medians: [("ring collectives", 0.14)]),
    Recorded(
      file: "mla_generation_h100_sxm_vllm0.24.0", machine: "h100-sxm-server",
      medians: [
        ("latent_attention bf16 over bf16", 0.04), ("latent_attention bf16 over fp8", 0.06),
        ("latent_attention fp8 over bf16", 0.04), ("latent_attention fp8 over fp8", 0.06),
      ]),
    Recorded(
      file: "mla_generation_l40s_vllm0.24.0", machine: "l40s-server",
      medians: [
        ("latent_attention bf16 over bf16", 0.07), ("latent_attention fp8 over bf16", 0.05),
        ("latent_attention bf16 over bf16 single head", 0.07),
        ("latent_attention fp8 over bf16 single head", 0.07),
      ]),
  ]

  @Test(arguments: recorded)
  func `Unseen shapes are predicted`(_ recorded: Recorded) throws {
    let path = try #require(SharedData.path("aiconfigurator/csv/\(recorded.file).csv"))
    let importer = try #require(TimingImporters.named("aiconfigurator"))
    let rows = try TimingImporters.read([path], with: importer, options: ImportOptions()).rows
    let machine = try ProfileLibrary(folders: [
      Checkout.root.appending(path: "hardware-profiles").path
    ]).machine(recorded.machine)
    let target = try CalibrationTarget(
      machine, named: recorded.machine, rowsOf: try #require(rows.first).device)
    let outcome = try Calibrator(device: target.capability, base: target.standardLaws)
      .fit(rows, source: "test")
    for (name, most) in recorded.medians {
      let fits = outcome.operations.filter { $0.name == name }
      #expect(!fits.isEmpty, "\(name)")
      for fit in fits {
        #expect(fit.heldOut.median < most, "\(name), \(fit.variant): \(fit.heldOut.median)")
      }
    }
  }
}
