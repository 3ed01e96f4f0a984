// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import ModelDescriptors
import TestSupport
import Testing
import Units

@testable import KernelTiming

/// The law on the project's own machines and models.
@Suite struct ShippedProfilesTests {
  static let profiles = ProfileLibrary(
    folders: [Checkout.root.appending(path: "hardware-profiles").path])
  static let models = ModelLibrary(folders: [Checkout.root.appending(path: "models").path])

  static func gpu(_ machine: String, runtime: String) throws -> DeviceTiming {
    let machine = try profiles.machine(machine)
    return try DeviceTiming(
      gpu: try #require(machine.gpus.first), runtime: try profiles.runtime(runtime))
  }

  @Test func `Decoding Mixtral on a 4090 is bound by memory at the achieved bandwidth`() throws {
    let timing = try Self.gpu("rtx-4090-desktop", runtime: "ideal")
    let model = try Self.models.model(named: "mixtral-8x7b")
    var plan = PrecisionPlan.bf16
    plan.experts = try NumberFormat(parsing: "int4-g64")
    let costs = model.costs(under: plan)
    let expert = costs.layers[0].expertWork(tokens: 1)
    #expect(timing.parts(expert).isMemoryBound)
    // 4 bits of an expert at 0.8 of 1008 GB/s, and at most a few percent of ramp.
    let ideal = expert.bytes / (0.8 * 1008e9)
    #expect(timing.seconds(expert) >= ideal)
    #expect(timing.seconds(expert) < 1.03 * ideal)
    var load = AttentionLoad()
    load.addDecode(visible: 2_000, span: costs.spans[0])
    let attention = costs.layers[0].attentionWork(load)
    for part in [attention.input, attention.decode, attention.output] {
      #expect(timing.parts(part).isMemoryBound)
    }
    #expect(timing.parts(costs.headWork(tokens: 1)).isMemoryBound)
    // A prompt of 2,000 tokens through the same projections is bound by arithmetic.
    var prompt = AttentionLoad()
    prompt.addPrefill(position: 0, count: 2_000, span: costs.spans[0])
    #expect(!timing.parts(costs.layers[0].attentionWork(prompt).input).isMemoryBound)
    #expect(!timing.parts(costs.layers[0].attentionWork(prompt).prefill).isMemoryBound)
  }

  /// A token of a dense model takes at least the time to read its weights, and little more.
  @Test func `A token of Llama 8B on an H100 takes what reading its weights takes`() throws {
    let timing = try Self.gpu("h100-sxm-server", runtime: "ideal")
    let model = try Self.models.model(named: "llama-3.1-8b")
    let costs = model.costs(under: .bf16)
    var load = AttentionLoad()
    load.addDecode(visible: 500, span: .full)
    var seconds = timing.seconds(costs.headWork(tokens: 1))
    for layer in costs.layers {
      seconds += timing.seconds(layer.attentionWork(load))
      seconds += timing.seconds(layer.denseWork(tokens: 1))
      seconds += timing.seconds(layer.elementwiseWork(tokens: 1))
    }
    let bytes = Double(model.bytes(under: .bf16).total - model.bytes(under: .bf16).embedding)
    let ideal = bytes / timing.capability.bandwidth.achievable
    #expect(seconds > ideal)
    #expect(seconds < 1.2 * ideal)
  }

  @Test func `A research script is slower than an ideal runtime`() throws {
    let ideal = try Self.gpu("rtx-4090-desktop", runtime: "ideal")
    let script = try Self.gpu("rtx-4090-desktop", runtime: "research-script")
    let model = try Self.models.model(named: "mixtral-8x7b")
    let costs = model.costs(under: .bf16)
    for tokens in [1, 8, 512] {
      let work = costs.layers[0].expertWork(tokens: tokens)
      #expect(script.seconds(work) > ideal.seconds(work))
    }
  }

  @Test func `Every machine times every family`() throws {
    let runtime = try Self.profiles.runtime("ideal")
    for name in Self.profiles.machineNames {
      let machine = try Self.profiles.machine(name)
      var timings = try machine.gpus.map { try DeviceTiming(gpu: $0, runtime: runtime) }
      timings.append(try DeviceTiming(cpu: machine.cpu, dram: machine.dram, runtime: runtime))
      for timing in timings {
        for family in KernelFamily.allCases {
          for computeClass in ComputeClass.allCases {
            let seconds = timing.seconds(
              KernelWork(
                family: family, flop: 1e9, bytes: 1e6, rows: 64, computeClass: computeClass))
            #expect(seconds > 0 && seconds < 10)
          }
        }
      }
    }
  }

  @Test func `A processor is slower than a GPU, and reads DRAM`() throws {
    let machine = try Self.profiles.machine("rtx-4090-desktop")
    let runtime = try Self.profiles.runtime("ideal")
    let processor = try DeviceTiming(cpu: machine.cpu, dram: machine.dram, runtime: runtime)
    let gpu = try Self.gpu("rtx-4090-desktop", runtime: "ideal")
    let work = try Self.models.model(named: "mixtral-8x7b").costs(under: .bf16).layers[0]
      .expertWork(tokens: 1)
    #expect(processor.parts(work).isMemoryBound)
    let ideal = work.bytes / machine.dram.bandwidth.effective
    #expect(processor.seconds(work) >= ideal)
    #expect(processor.seconds(work) < 1.1 * ideal)
    #expect(processor.seconds(work) > 5 * gpu.seconds(work))
  }
}
