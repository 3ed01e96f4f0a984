// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Policies
import TestSupport
import Testing

@testable import Experiments
@testable import Serving

/// Scenarios whose schedule decides whole steps beforehand.
@Suite("Schedules over whole steps in scenarios")
struct GraphScheduleScenarioTests {
  private static let pipeline = [
    "policy={eviction: lru}", "policy.schedule={name: cgopipe, micro_batch: 2, micro_batches: 2}",
    "policy.admission=static-batch",
  ]

  private func problems(_ overrides: [String]) throws -> [Diagnostic] {
    let files = try TemporaryLibrary()
    do {
      _ = try files.scenario(TemporaryLibrary.base, set: Self.pipeline + overrides)
    } catch let error as Diagnostics {
      return error.all
    }
    return []
  }

  @Test(
    "roles that it leaves nothing to are refused",
    arguments: [
      ("policy.prefetch=all", "policy.prefetch", "expected 'none'"),
      ("policy.placement={name: host-layers, layers: 1}", "policy.placement", "expected 'uniform'"),
      ("policy.resolve=host", "policy.resolve", "expected 'fetch'"),
      ("policy.write_back=true", "policy.write_back", "expected false"),
      ("policy.chunks=2", "policy.chunks", "expected 1"),
      ("policy.admission=fcfs", "policy.admission", "static-batch or length-sorted"),
      ("policy.schedule.pages=0", "policy.schedule.pages", "out of range"),
      ("policy.schedule.attention=cpu", "policy.schedule.attention", "unknown key"),
    ])
  func refused(override: String, path: String, says: String) throws {
    let found = try problems([override])
    #expect(
      found.contains { $0.path == path && $0.message.contains(says) },
      "\(found.map(\.description))")
  }

  @Test("what it needs is accepted")
  func accepted() throws {
    #expect(try problems([]).isEmpty)
    #expect(try problems(["policy.pinned=false", "policy.admission=length-sorted"]).isEmpty)
  }

  @Test(
    "the presets name schedules with the constants of their sources",
    arguments: [
      ("moe-lightning", "cgopipe", "length-sorted"),
      ("moe-lightning-s2", "cgopipe", "length-sorted"),
      ("moe-lightning-s3", "block", "length-sorted"),
      ("moe-lightning-s4", "block", "length-sorted"), ("flexgen", "block", "static-batch"),
      ("flexgen-c", "block", "static-batch"),
      ("deepspeed-zero", "layer-streaming", "static-batch"),
    ])
  func presets(name: String, schedule: String, admission: String) throws {
    let files = try TemporaryLibrary()
    let scenario = try files.scenario(
      TemporaryLibrary.base, set: ["policy={preset: \(Checkout.root.path)/policies/\(name).yaml}"])
    #expect(scenario.policy.schedule.name == schedule)
    #expect(scenario.policy.admission.name == admission)
    let made = try RoleRegistry.find(schedule, role: "schedule", in: RoleRegistry.schedule)
      .make(scenario.policy.schedule.parameters)
    switch name {
    case "moe-lightning-s2": #expect((made as? PipelinedHostAttention)?.pages == 1)
    case "moe-lightning-s3", "flexgen-c":
      #expect((made as? BlockSchedule)?.attendsOnHost == true)
    case "moe-lightning-s4", "flexgen": #expect((made as? BlockSchedule)?.attendsOnHost == false)
    default: break
    }
    #expect(scenario.policy.pinned == (name == "deepspeed-zero"))
  }

  @Test("the runtime's share of host memory slows the processor, and not the GPU")
  func hostEfficiency() throws {
    let library = DataLibrary(roots: [Checkout.root.path])
    let configuration = { (overrides: [String]) in
      try Scenario.load("quickstart", overrides: overrides, library: library)
        .configuration(library: library)
    }
    let plain = try configuration([])
    let slow = try configuration([
      "runtime.host_memory_efficiency={value: 0.1, source: test}"
    ])
    #expect(plain.timing.software == slow.timing.software)
    let before = try #require(plain.hostTiming).software.memoryEfficiency
    #expect(try #require(slow.hostTiming).software.memoryEfficiency == 0.1)
    #expect(before == plain.timing.software.memoryEfficiency)
  }
}
