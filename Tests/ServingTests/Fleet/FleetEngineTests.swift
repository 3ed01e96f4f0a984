// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies
import SimulationKernel
import Testing
import Workload

@testable import Serving

@Suite("Fleet")
struct FleetEngineTests {
  /// Arrived = completed + rejected + lost + unfinished, and each request has had its tokens.
  private func balances(
    _ run: (result: SimulationResult, outcomes: [RequestOutcome]), requests: [Request]
  ) {
    let counts = run.result.requests
    #expect(counts.arrived == requests.count)
    #expect(
      counts.arrived == counts.completed + counts.rejected + (counts.lost ?? 0) + counts.unfinished)
    #expect(run.outcomes.count == requests.count)
    #expect(Set(run.outcomes.map(\.number)).count == requests.count)
    for outcome in run.outcomes where outcome.fate == .completed {
      let request = requests[Int(outcome.number)]
      #expect(outcome.outputTokens == request.outputTokens)
      #expect(outcome.arrival <= outcome.scheduled && outcome.scheduled <= outcome.firstToken)
      #expect(outcome.firstToken <= outcome.lastToken)
    }
  }

  @Test(
    "every plan answers every request",
    arguments: [
      ParallelPlan.single, ParallelPlan(tensor: 2), ParallelPlan(tensor: 4, expert: 4),
      ParallelPlan(data: 4, expert: 4), ParallelPlan(tensor: 2, data: 2, expert: 2),
      ParallelPlan(pipeline: 2), ParallelPlan(tensor: 2, pipeline: 2, data: 2, expert: 4),
    ])
  func plans(plan: ParallelPlan) throws {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 40, prompt: 100, output: 20, gapSeconds: 1e-4)
    for dispatch in ExpertDispatch.allCases {
      let group = try FleetHarness.group(plan, model: model, dispatch: dispatch)
      let run = try FleetHarness.run(FleetHarness.configuration([group], requests: requests))
      balances(run, requests: requests)
      #expect(run.result.requests.completed == 40)
      #expect(run.result.fleet?.gpus.count == plan.devices)
      for gpu in run.result.fleet?.gpus ?? [] {
        #expect(gpu.busy > 0 && gpu.busy + gpu.collectives + gpu.waiting <= 1.0001)
      }
    }
  }

  @Test("one GPU takes as long as the engine of one GPU")
  func agreesWithServingEngine() throws {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 6, prompt: 64, output: 32, gapSeconds: 0.01)
    let limits = BatchLimits(maximumSequences: 8, tokenBudget: 256)
    let group = try FleetHarness.group(model: model, limits: limits)
    let fleet = try FleetHarness.run(FleetHarness.configuration([group], requests: requests))
    let single = try ServingHarness.run(
      ServingHarness.configuration(
        model: model, cache: CacheConfiguration(experts: .all), limits: limits,
        figures: ServingHarness.figures(deviceGiB: 80), requests: requests))
    // Loads of experts are means over draws in the one, each step's own in the other.
    let ratio = (fleet.result.tpotMs?.mean ?? 0) / (single.tpotMs?.mean ?? 1)
    #expect(abs(ratio - 1) < 0.05)
  }

  @Test("replicas share the requests, and twice as many answer twice as many in a time")
  func replicas() throws {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 400, prompt: 64, output: 32, gapSeconds: 1e-6)
    var duration: [Double] = []
    for count in [1, 2, 4] {
      let group = try FleetHarness.group(model: model, replicas: count)
      let run = try FleetHarness.run(FleetHarness.configuration([group], requests: requests))
      balances(run, requests: requests)
      duration.append(run.result.simulatedSeconds)
      let served = run.result.fleet?.replicas.map { Int($0.completed) } ?? []
      #expect(served == Array(repeating: 400 / count, count: count))
    }
    #expect(abs(duration[0] / duration[1] - 2) < 0.1)
    #expect(abs(duration[0] / duration[2] - 4) < 0.2)
  }

  @Test("requests of a failed replica are answered by others, or lost where nobody tries again")
  func failures() throws {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 200, prompt: 64, output: 64, gapSeconds: 1e-3)
    let group = try FleetHarness.group(model: model, replicas: 2)
    for attempts in [0, 3] {
      var operations = FleetOperations()
      operations.failures = FailureSettings([
        .init(.part(.replica, 1), .once(atSeconds: 0.05, forSeconds: 0.05))
      ])
      operations.retries = RetryPolicy(attempts: attempts, delaySeconds: 0.001)
      let run = try FleetHarness.run(
        FleetHarness.configuration([group], requests: requests, operations: operations))
      balances(run, requests: requests)
      let fleet = try #require(run.result.fleet)
      #expect(fleet.replicaFailures == 1 && fleet.replicaRepairs == 1)
      if attempts == 0 {
        #expect(fleet.lostRequests > 0 && fleet.retriedRequests == 0)
      } else {
        #expect(fleet.lostRequests == 0 && fleet.retriedRequests > 0)
        #expect(run.result.requests.completed == 200)
      }
    }
  }

  @Test("a fleet whose replicas are all gone keeps requests at the gateway until one is back")
  func outage() throws {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 50, prompt: 64, output: 16, gapSeconds: 1e-3)
    let group = try FleetHarness.group(model: model)
    var operations = FleetOperations()
    operations.failures = FailureSettings([
      .init(.part(.host, 0), .once(atSeconds: 0.01, forSeconds: 2))
    ])
    let run = try FleetHarness.run(
      FleetHarness.configuration([group], requests: requests, operations: operations))
    balances(run, requests: requests)
    #expect(run.result.requests.completed == 50)
    #expect((run.result.fleet?.mostWaitingAtGateway ?? 0) > 20)
    #expect(run.result.simulatedSeconds > 2)
  }

  @Test("a slow GPU makes its whole replica as slow")
  func stragglers() throws {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 20, prompt: 64, output: 64, gapSeconds: 1e-6)
    let group = try FleetHarness.group(ParallelPlan(tensor: 2), model: model)
    var operations = FleetOperations()
    let plain = try FleetHarness.run(FleetHarness.configuration([group], requests: requests))
    operations.failures = FailureSettings([
      .init(.part(.gpu, 1), .once(atSeconds: 0, forSeconds: nil), factor: 0.5)
    ])
    let slow = try FleetHarness.run(
      FleetHarness.configuration([group], requests: requests, operations: operations))
    let ratio = (slow.result.tpotMs?.mean ?? 0) / (plain.result.tpotMs?.mean ?? 1)
    #expect(ratio > 1.5 && ratio <= 2)
  }

  @Test("prompts computed apart: keys and values move, and every output comes from a decoder")
  func disaggregation() throws {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 60, prompt: 200, output: 30, gapSeconds: 1e-3)
    let prefill = try FleetHarness.group(model: model, part: .prefill)
    let decode = try FleetHarness.group(ParallelPlan(tensor: 2), model: model, part: .decode)
    let run = try FleetHarness.run(
      FleetHarness.configuration([prefill, decode], requests: requests))
    balances(run, requests: requests)
    let fleet = try #require(run.result.fleet)
    #expect(fleet.keyValueMoves == 60)
    let cache = try KeyValueCache(
      model: model.shard(.whole), precision: .bf16, blockTokens: 16, capacity: .max)
    var blocks = cache
    #expect(fleet.keyValueMovedBytes == 60 * blocks.bytes(tokens: 200))
    #expect(run.outcomes.allSatisfy { $0.replica == 1 })
    #expect((fleet.meanKeyValueMoveMs ?? 0) > 0)
  }

  @Test("an autoscaler starts replicas under load and stops them again")
  func autoscaling() throws {
    let model = try ServingHarness.model()
    var requests = ServingHarness.requests(count: 400, prompt: 64, output: 64, gapSeconds: 1e-3)
    requests += (400..<420).map {
      Request(
        number: UInt64($0), arrivalNanoseconds: UInt64($0 - 399) * 1_000_000_000,
        promptTokens: 64, outputTokens: 8)
    }
    let group = try FleetHarness.group(model: model)
    var operations = FleetOperations()
    operations.autoscaler = Autoscaler(
      metric: .queue, target: 4, minimum: 1, maximum: 4, intervalSeconds: 0.05,
      startUpSeconds: 0.1, scaleInCooldownSeconds: 1)
    let run = try FleetHarness.run(
      FleetHarness.configuration([group], requests: requests, operations: operations))
    balances(run, requests: requests)
    let fleet = try #require(run.result.fleet)
    #expect(fleet.replicasStarted >= 3 && fleet.replicasStopped >= 3)
    #expect(run.result.requests.completed == 420)
  }

  @Test("a response cache answers its share without a replica")
  func responseCache() throws {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 1000, prompt: 32, output: 4, gapSeconds: 1e-3)
    let group = try FleetHarness.group(model: model, replicas: 2)
    var operations = FleetOperations()
    operations.responseCache = ResponseCacheSettings(.probability(0.5), lookupSeconds: 1e-3)
    let run = try FleetHarness.run(
      FleetHarness.configuration([group], requests: requests, operations: operations))
    balances(run, requests: requests)
    let cached = run.result.fleet?.cachedResponses ?? 0
    // Five standard deviations of a binomial.
    #expect(abs(Double(cached) - 500) < 5 * 250.0.squareRoot())
    #expect(run.outcomes.count { $0.replica < 0 } == cached)
  }

  @Test("the same fleet gives the same result")
  func determinism() throws {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 100, prompt: 64, output: 32, gapSeconds: 1e-3)
    let group = try FleetHarness.group(ParallelPlan(data: 2, expert: 2), model: model, replicas: 2)
    var operations = FleetOperations()
    operations.failures = FailureSettings([
      .init(.every(.replica), .random(meanBetweenSeconds: 0.05, meanRepairSeconds: 0.01))
    ])
    let configuration = try FleetHarness.configuration(
      [group], requests: requests, operations: operations)
    let first = try FleetHarness.run(configuration)
    let second = try FleetHarness.run(configuration)
    #expect(first.outcomes == second.outcomes)
    #expect(first.result.eventsProcessed == second.result.eventsProcessed)
  }
}
