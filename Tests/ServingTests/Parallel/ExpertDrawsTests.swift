// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Routing
import Testing

@testable import Serving

@Suite("Expert draws")
struct ExpertDrawsTests {
  private static let requests = ServingHarness.requests(
    count: 40, prompt: 100, output: 20, gapSeconds: 1e-4)

  private func run(
    _ plan: ParallelPlan, tokenBudget: Int, draws: ExpertDraws?
  ) throws -> SimulationResult {
    var group = try FleetHarness.group(
      plan, model: try ServingHarness.model(),
      limits: BatchLimits(maximumSequences: 8, tokenBudget: tokenBudget))
    group.draws = draws
    return try FleetHarness.run(FleetHarness.configuration([group], requests: Self.requests)).result
  }

  @Test(
    "a run with draws of others, under other plans and limits, is that of one that draws for itself"
  )
  func sharing() throws {
    let shared = ExpertDraws()
    let cases: [(plan: ParallelPlan, budget: Int)] = [
      (ParallelPlan(tensor: 2), 256), (ParallelPlan(tensor: 4, expert: 4), 256),
      (ParallelPlan(data: 4, expert: 4), 300), (ParallelPlan(tensor: 2), 1000),
    ]
    for (plan, budget) in cases {
      let own = try run(plan, tokenBudget: budget, draws: nil)
      let other = try run(plan, tokenBudget: budget, draws: shared)
      #expect(own.ttftMs?.mean == other.ttftMs?.mean)
      #expect(own.tpotMs?.mean == other.tpotMs?.mean)
      #expect(own.simulatedSeconds == other.simulatedSeconds)
    }
  }

  @Test("what is known is not drawn again")
  func kept() throws {
    let shared = ExpertDraws()
    _ = try run(ParallelPlan(tensor: 2), tokenBudget: 256, draws: shared)
    let first = shared.count
    #expect(first > 0)
    _ = try run(ParallelPlan(tensor: 4, expert: 4), tokenBudget: 256, draws: shared)
    #expect(shared.count == first)
    // Of a larger step only the largest counts are new.
    _ = try run(ParallelPlan(tensor: 2), tokenBudget: 1024, draws: shared)
    #expect(shared.count > first && shared.count <= first + 4)
  }

  @Test("the order of draws and other shapes are kept apart")
  func keys() throws {
    let draws = ExpertDraws()
    var made = 0
    func layers(shape: RoutingShape, first: UInt64) -> [Int32] {
      draws.draw(.init(shape: shape, tokens: 1, isPrompt: false, firstSequence: first)) {
        made += 1
        var draw = ExpertDraws.Draw()
        draw.append(layer: made, LayerActivation(experts: shape.experts))
        return draw
      }.layers
    }
    let small = RoutingShape(layers: 2, experts: 4, topK: 1)
    let large = RoutingShape(layers: 2, experts: 8, topK: 1)
    #expect(layers(shape: small, first: 1) == [1])
    #expect(layers(shape: large, first: 1) == [2])
    #expect(layers(shape: small, first: 2) == [3])
    #expect(layers(shape: small, first: 1) == [1] && made == 3)
  }
}
