// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Policies
import Residency
import Routing
import SimulationKernel
import Testing
import Workload

@testable import Serving

/// Keeps what it is told.
private struct Collector: DecisionSink {
  var content: [Decision.Place] = []
  var slots: [Int] = []
  var decisions: [Decision] = []
  mutating func begin(layout: BlockLayout, content: [Decision.Place], slots: [Int]) {
    self.content = content
    self.slots = slots
  }
  mutating func take(_ decision: Decision) { decisions.append(decision) }
}

@Suite("Decisions of the engine")
struct DecisionsTests {
  static let policies = ["lru", "lfu", "fifo", "lifo"]

  static func configuration(
    rule: String, pool: PoolPlan.Scope, slots: Int, prefetches: Bool, batch: Int = 2,
    landing: PrefetchLanding = .cache, initial: CacheConfiguration.InitialContent = .filled
  ) throws -> ServingConfiguration {
    var options = PredictedPrefetch.Options()
    options.depth = 2
    options.landing = landing
    var policy = ServingHarness.lru(
      prefetch: prefetches ? PredictedPrefetch(options: options) : NoPrefetch())
    policy.eviction = BooksTests.rule(rule)
    if prefetches {
      policy.prediction = RecallPrediction(recall: [0.7])
      policy.transfer.chunks = 4
    }
    return ServingHarness.configuration(
      model: try ServingHarness.model(),
      cache: CacheConfiguration(experts: .count(slots), pool: pool, initial: initial),
      policy: policy, limits: BatchLimits(maximumSequences: batch),
      requests: ServingHarness.requests(count: 5, prompt: 6, output: 20, gapSeconds: 0.01))
  }

  /// Runs to the end, with the tier as it was left.
  private static func run(
    _ configuration: ServingConfiguration
  ) throws -> (log: Collector, view: ResidencyView) {
    var engine = try ServingEngine(configuration, timeline: nil, decisions: Collector())
    var simulation = Simulation<EngineEvent>()
    engine.begin(in: &simulation)
    while let event = simulation.next() { engine.handle(event, in: &simulation) }
    guard let log = engine.decisions?.sink as? Collector else {
      throw CancellationError()
    }
    return (log, engine.tier.view)
  }

  @Test("Recording changes no result", arguments: policies, [false, true])
  func recordingChangesNothing(rule: String, prefetches: Bool) throws {
    let configuration = try Self.configuration(
      rule: rule, pool: .perLayer, slots: 4, prefetches: prefetches)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let plain = try ServingSimulation.run(configuration).result
    let recorded = try ServingSimulation.run(configuration, decisions: Collector()).result
    var (first, second) = (plain, recorded)
    // A step of residents alone is one event or many.
    (first.eventsProcessed, second.eventsProcessed) = (0, 0)
    #expect(try encoder.encode(first) == encoder.encode(second))
  }

  @Test(
    "Decisions replay to the residency that the engine ends with",
    arguments: policies, [PoolPlan.Scope.perLayer, .global])
  func replays(rule: String, pool: PoolPlan.Scope) throws {
    for prefetches in [false, true] {
      for slots in [1, 2, 3, 5, 7] {
        let configuration = try Self.configuration(
          rule: rule, pool: pool, slots: pool == .global ? 4 * slots - 1 : slots,
          prefetches: prefetches, initial: slots == 3 ? .empty : .filled)
        let (log, view) = try Self.run(configuration)
        var residency = ReplayedResidency(
          content: log.content, slots: log.slots.reduce(0, +))
        for decision in log.decisions {
          if case .access(let access) = decision.event {
            let held = residency.places
            for member in access.members where member.found == .hit || member.found == .late {
              #expect(held.contains { $0.block == member.block && $0.slot == member.slot })
            }
            for member in access.members where member.found == .miss {
              let isPartial = held.contains { $0.block == member.block }
              #expect(!isPartial || configuration.policy.transfer.chunks > 1)
            }
          }
          residency.take(decision)
        }
        let present = (0..<view.blockCount).map { BlockID($0) }.filter { view.isPresent($0) }
        #expect(residency.places.map(\.block).sorted() == present)
      }
    }
  }

  @Test("What prefetches into buffers has no slot until its gate chooses it")
  func buffers() throws {
    let configuration = try Self.configuration(
      rule: "lru", pool: .perLayer, slots: 4, prefetches: true, landing: .buffers)
    let (log, view) = try Self.run(configuration)
    var residency = ReplayedResidency(content: log.content, slots: log.slots.reduce(0, +))
    var buffered = 0
    for decision in log.decisions {
      if case .prefetch(let prefetch) = decision.event {
        #expect(prefetch.place.slot == -1)
        buffered += 1
      }
      residency.take(decision)
    }
    #expect(buffered > 0)
    #expect(residency.places.count <= view.blockCount)
  }

  @Test("Times never fall, and each step's accesses are those of all layers in order")
  func order() throws {
    let configuration = try Self.configuration(
      rule: "lru", pool: .perLayer, slots: 3, prefetches: true)
    let (log, _) = try Self.run(configuration)
    var last: UInt64 = 0
    var layers: [Int] = []
    var steps = 0
    for decision in log.decisions {
      #expect(decision.nanoseconds >= last)
      last = decision.nanoseconds
      switch decision.event {
      case .step: layers = []
      case .access(let access): layers.append(access.layer)
      case .stepEnd:
        steps += 1
        #expect(layers == [0, 1, 2, 3])
      default: break
      }
    }
    #expect(steps > 20)
  }

  @Test("Landings, drops and fetches account for each other")
  func accounts() throws {
    let configuration = try Self.configuration(
      rule: "lru", pool: .perLayer, slots: 4, prefetches: true)
    let (log, _) = try Self.run(configuration)
    var (fetched, landed, cancelled, reasons) = (0, 0, 0, Set<String>())
    for decision in log.decisions {
      switch decision.event {
      case .prefetch: fetched += 1
      case .access(let access):
        fetched += access.members.filter { $0.found == .miss || $0.found == .streamed }.count
      case .landed: landed += 1
      case .dropped(_, let reason):
        reasons.insert(reason.rawValue)
        if reason == .cancelled { cancelled += 1 }
      default: break
      }
    }
    #expect(fetched == landed + cancelled)
    #expect(reasons.contains("overtaken"))
  }
}
