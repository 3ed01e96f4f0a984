// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import SimulationKernel
import Testing
import Workload

@testable import Serving

extension ServingHarness {
  /// Runs a configuration event by event and looks at the engine after every `stride` of them.
  static func probe(
    _ configuration: ServingConfiguration, stride: Int = 1,
    look: (borrowing ServingEngine, UInt64) -> Void
  ) throws -> SimulationResult {
    var engine = try ServingEngine(configuration, timeline: nil)
    var simulation = Simulation<EngineEvent>()
    engine.begin(in: &simulation)
    var events = 0
    while engine.failure == nil, let event = simulation.next() {
      engine.handle(event, in: &simulation)
      events += 1
      if events % stride == 0 { look(engine, simulation.now.nanoseconds) }
    }
    if let failure = engine.failure { throw failure }
    return engine.result(
      endedAt: simulation.now.nanoseconds, events: simulation.processedEventCount)
  }

  /// The identities that hold for every run from its start to the end of its workload.
  static func checkBooks(
    _ result: SimulationResult, _ configuration: ServingConfiguration, requests: [Request],
    location: SourceLocation = #_sourceLocation
  ) {
    let tokens = requests.reduce(Int64(0)) { $0 + Int64($1.outputTokens) }
    #expect(result.requests.completed == requests.count, sourceLocation: location)
    #expect(result.requests.unfinished == 0, sourceLocation: location)
    #expect(result.requests.outputTokens == tokens, sourceLocation: location)
    checkTraffic(result, configuration, location)
    for resource in result.resources {
      #expect(
        resource.utilization >= 0 && resource.utilization <= 1 + 1e-9, "\(resource.name)",
        sourceLocation: location)
    }
    for memory in result.memory {
      let parts = memory.parts.reduce(0) { $0 + $1.value }
      #expect(parts == Double(memory.capacityBytes), "\(memory.name)", sourceLocation: location)
      #expect(
        memory.highWaterBytes <= memory.capacityBytes, "\(memory.name)", sourceLocation: location)
      for part in memory.parts {
        #expect(part.value >= 0, "\(memory.name): \(part.name)", sourceLocation: location)
      }
    }
    var watts = 0.0
    for part in configuration.figures.parts {
      let busy = part.resource.map { result.utilization[$0] ?? 0 } ?? 1
      watts += part.idleWatts + (part.fullWatts - part.idleWatts) * busy
    }
    let joules = watts * result.measuredSeconds
    #expect(abs(result.energy.joules - joules) <= joules * 1e-9, sourceLocation: location)
    checkTime(result, location)
  }

  /// Bytes over each link are those of the transfers, by purpose, and those that the kernel moved.
  private static func checkTraffic(
    _ result: SimulationResult, _ configuration: ServingConfiguration, _ location: SourceLocation
  ) {
    let expert = configuration.model.bytes(under: configuration.precision).perExpert
    func bytes(_ link: String) -> Int64 {
      result.traffic.filter { $0.link == link }.reduce(0) { $0 + $1.bytes }
    }
    func moved(_ resource: String) -> Double {
      result.resources.first { $0.name == resource }?.workDone ?? 0
    }
    for traffic in result.traffic where traffic.purpose != "staging" {
      #expect(
        traffic.bytes == Int64(traffic.transfers) * expert, "\(traffic.purpose)",
        sourceLocation: location)
    }
    let cache = result.expertCache
    let down = bytes("gpu0.h2d")
    let up = bytes("gpu0.d2h")
    let read = bytes("ssd0")
    if !configuration.figures.isUnified {
      #expect(down == cache.bytesLoaded, sourceLocation: location)
    } else {
      #expect(read == cache.bytesLoaded, sourceLocation: location)
    }
    let halfDuplex = !configuration.figures.linkIsFullDuplex
    let pairs = [
      ("gpu0.link.down", Double(down + (halfDuplex ? up : 0))),
      ("gpu0.link.up", halfDuplex ? 0 : Double(up)), ("ssd0", Double(read)),
      ("host.dram", Double(down + up + read + 2 * bytes("host.staging"))),
    ]
    for (name, expected) in pairs {
      #expect(
        abs(moved(name) - expected) <= expected * 1e-9 + 1, "\(name)", sourceLocation: location)
    }
    // Every late hit and every miss is one load, besides what was fetched ahead in vain.
    let tier = cache.tiers["hbm"]!
    let accesses = tier.layers.reduce(0) { $0 + $1.accesses }
    #expect(accesses == cache.hits + cache.misses + cache.late, sourceLocation: location)
    #expect(cache.bytesLoaded >= Int64(cache.misses) * expert, sourceLocation: location)
    if let host = cache.tiers["dram"] {
      #expect(read == Int64(host.misses) * expert, sourceLocation: location)
      #expect(
        Int64(host.hits + host.misses) * expert == cache.bytesLoaded, sourceLocation: location)
    }
  }

  /// The compute stream's busy time is what the activities say.
  private static func checkTime(_ result: SimulationResult, _ location: SourceLocation) {
    let computed =
      result.timeMsPerToken.reduce(0) { $0 + $1.value } * Double(result.requests.outputTokens)
    let busy = result.resources.first { $0.name == "gpu0.compute" }!.busySeconds * 1e3
    #expect(abs(computed - busy) < busy * 1e-9, sourceLocation: location)
  }
}

extension ServingHarness {
  /// A result as text, for comparison.
  static func record(_ result: SimulationResult) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(result), as: UTF8.self)
  }
}
