// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Testing

@testable import Serving

/// A schedule that writes the same operations for every step.
struct ScriptedSchedule: GraphSchedulePolicy {
  var build: @Sendable (inout StepGraph) -> Void
  func write(
    _ context: StepContext, costs: borrowing some GraphCosts, into graph: inout StepGraph
  ) { build(&graph) }
}

@Suite("Step graphs on the machine")
struct GraphExecutionTests {
  /// A machine with a link of 10 GB/s, a staging copy of 8 GB/s and host memory of 60 GB/s, on which
  /// one request computes one step.
  private func run(
    host: Double = 60e9, output: Int32 = 1, _ build: @escaping @Sendable (inout StepGraph) -> Void
  ) throws -> SimulationResult {
    var figures = ServingHarness.figures()
    figures.hostBandwidth = host
    figures.peerRate = 4e9
    figures.multiprocessors = 10
    let policy = ServingHarness.lru(schedule: ScriptedSchedule(build: build))
    return try ServingHarness.run(
      ServingHarness.configuration(
        model: ServingHarness.model(), policy: policy, figures: figures,
        requests: ServingHarness.requests(count: 1, output: output)))
  }

  private let rates = GraphRates(link: 10e9, staging: 8e9, hostMemory: 60e9)

  private func kernel(_ seconds: Double) -> GraphOperation {
    .kernel(.experts, GraphWork(seconds: seconds, bytes: 1e9))
  }

  @Test("one after the other, or beside each other")
  func order() throws {
    let serial = try run { graph in
      let first = graph.add(.kernel(.attention, GraphWork(seconds: 2)))
      let copy = graph.add(.load(.weightLoad, bytes: 30e9, rates))
      graph.wait(copy, for: first)
      graph.wait(graph.add(kernel(1)), for: copy)
    }
    #expect(abs(serial.simulatedSeconds - 6) < 1e-9)
    let parallel = try run { graph in
      graph.add(.kernel(.attention, GraphWork(seconds: 2)))
      graph.add(.load(.weightLoad, bytes: 30e9, rates))
      graph.add(kernel(1))
    }
    #expect(abs(parallel.simulatedSeconds - 3) < 1e-9)
    // A step for each token; time to first token is one step.
    let steps = try run(output: 3) { graph in graph.add(kernel(1)) }
    #expect(steps.steps == 3 && abs(steps.simulatedSeconds - 3) < 1e-9)
  }

  // Attention moves 40 GB in 1 s alone and the copy reads and writes 2 · 8 GB/s: together 56 GB/s
  // of 60. With 40 GB/s of host memory both slow down: max–min shares of 20 each; the copy needs 16
  // and gets them, attention runs at 24 GB/s while the copy lasts, 1 s, then has 16 GB left at
  // 40 GB/s: 1.4 s.
  @Test("the processor's computing and its copies share host memory")
  func hostMemory() throws {
    let build: @Sendable (inout StepGraph) -> Void = { graph in
      graph.add(.hostKernel(.hostAttention, GraphWork(seconds: 1, bytes: 40e9)))
      graph.add(.stage(.weightStaging, bytes: 8e9, rates))
    }
    #expect(abs(try run(build).simulatedSeconds - 1) < 1e-6)
    #expect(abs(try run(host: 40e9, build).simulatedSeconds - 1.4) < 1e-6)
  }

  // 8 of 10 multiprocessors and 2 of them run beside each other; a third waits for 4.
  @Test("kernels share multiprocessors, collectives the links to peers")
  func shares() throws {
    let result = try run { graph in
      var wide = GraphOperation(.experts, seconds: 3)
      wide.hold(.multiprocessors, units: 8)
      graph.add(wide)
      var exchange = GraphOperation(.dispatch, work: 8e9, bytes: 8e9)
      exchange.hold(.multiprocessors, units: 2)
      exchange.hold(.collective)
      exchange.consume(.peerEgress)
      exchange.consume(.peerIngress, weight: 0.5)
      graph.add(exchange)
      var late = GraphOperation(.experts, seconds: 1)
      late.hold(.multiprocessors, units: 4)
      graph.add(late)
    }
    // The collective takes 8 GB / 4 GB/s; then two multiprocessors are free, but not four.
    #expect(abs(result.simulatedSeconds - 4) < 1e-9)
    #expect(
      result.traffic.contains {
        $0.link == "gpu0.peer.out" && $0.purpose == "collective" && $0.bytes == 8_000_000_000
      })
  }

  @Test("stalls are charged along the chain that led to them")
  func stalls() throws {
    let result = try run { graph in
      graph.add(kernel(1))
      // 16 GB: staged in 2 s, loaded in 1.6 s; the GPU waits 2.6 s for it.
      let staged = graph.add(.stage(.weightStaging, bytes: 16e9, rates))
      let loaded = graph.add(.load(.weightLoad, bytes: 16e9, rates))
      graph.wait(loaded, for: staged)
      let used = graph.add(kernel(1))
      graph.wait(used, for: loaded)
      // Then 0.5 s for the processor, and 0.2 s for what comes after all kernels.
      let host = graph.add(.hostKernel(.hostAttention, GraphWork(seconds: 0.5)))
      graph.wait(host, for: used)
      let last = graph.add(kernel(1))
      graph.wait(last, for: host)
      let tail = graph.add(.load(.keyValueLoad, bytes: 2e9, rates))
      graph.wait(tail, for: last)
    }
    let stalls = result.stallMsPerToken
    #expect(abs(stalls.staging - 1000) < 1e-3)
    #expect(abs(stalls.latePrefetch - 1600) < 1e-3)
    #expect(abs(stalls.hostCompute - 500) < 1e-3)
    #expect(abs(stalls.kvSwap - 200) < 1e-3)
    #expect(stalls.demandLoad == 0 && stalls.linkContention == 0)
    let busy = result.timeMsPerToken.filter { $0.name != "attention on the host" }
      .reduce(0) { $0 + $1.value }
    let all =
      stalls.staging + stalls.latePrefetch + stalls.hostCompute + stalls.kvSwap
      + stalls.computeQueue
    #expect(abs(busy + all - result.simulatedSeconds * 1e3) < 1e-3)
  }

  @Test("waiting behind another copy is contention")
  func contention() throws {
    let result = try run { graph in
      graph.add(.load(.keyValueLoad, bytes: 10e9, rates))
      let second = graph.add(.load(.weightLoad, bytes: 10e9, rates))
      graph.wait(graph.add(kernel(1)), for: second)
    }
    #expect(abs(result.stallMsPerToken.linkContention - 1000) < 1e-3)
    #expect(abs(result.stallMsPerToken.latePrefetch - 1000) < 1e-3)
  }
}
