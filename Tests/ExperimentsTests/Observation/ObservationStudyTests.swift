// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Serving
import TestSupport
import Testing
import Workload

@testable import Experiments

@Suite("Observations")
struct ObservationStudyTests {
  private let tiny: TinyScenario
  private let scenario: Scenario

  init() throws {
    tiny = try TinyScenario()
    scenario = try Scenario.load(tiny.path, library: tiny.library)
  }

  /// A run of a benchmark whose times are those of a simulation: the two must agree.
  private func simulatedRun(count: Int = 12, gap: Double = 0.004) throws -> ObservedRun {
    let requests = (0..<count).map { (number: Int) -> Request in
      Request(
        number: UInt64(number), arrivalNanoseconds: UInt64(Double(number) * gap * 1e9),
        promptTokens: Int32(5 + number * 3), outputTokens: Int32(4 + number % 5))
    }
    var scenario = scenario
    scenario.workload = WorkloadDescription(replaying: RequestReplay(requests))
    scenario.run.improvements = false
    let execution = try ScenarioExecution.execute(
      scenario, requests: RequestCollector(), library: tiny.library)
    let outcomes = try #require(execution.requests as? RequestCollector).outcomes
    let seconds = { (nanoseconds: UInt64) -> Double in Double(nanoseconds) * 1e-9 }
    var lines: [String] = []
    for outcome in outcomes {
      let times: [(String, Double)] = [
        ("arrival_time", seconds(outcome.arrival) + 1000), ("queued_ts", seconds(outcome.queued)),
        ("scheduled_ts", seconds(outcome.scheduled)),
        ("first_token_ts", seconds(outcome.firstToken)),
        ("last_token_ts", seconds(outcome.lastToken)),
      ]
      let stamps = times.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",")
      lines.append(
        "{\"request_id\":\"\(outcome.number)\",\"input_toks\":\(outcome.promptTokens),"
          + "\"output_toks\":\(outcome.outputTokens),\(stamps)}")
    }
    return try ObservedRunReader.read(
      bytes: [UInt8](lines.joined(separator: "\n").utf8), file: "simulated.jsonl")
  }

  @Test("of what the simulation itself did find no difference")
  func itself() throws {
    let outcome = try ObservationStudy(simulatedRun(), scenario: scenario).run(
      library: tiny.library)
    let report = outcome.report
    #expect(report.requests.measured == 12 && report.requests.completed == 12)
    #expect(report.latenciesSince == "queued" && report.figures.count == 4)
    // Times are written in seconds as doubles near 1000: a microsecond is lost.
    for (figure, comparison) in report.figures {
      #expect(comparison.wassersteinMs! < 0.002, "\(figure)")
      for statistic in comparison.statistics where statistic.value.measured! > 1 {
        #expect(statistic.value.error! < 0.002, "\(figure) \(statistic.name)")
      }
    }
    #expect(report.requestsPerSecond.error! < 0.001 && report.durationSeconds.error! < 0.001)
    for pair in outcome.pairs {
      let simulated = try #require(pair.simulated)
      #expect(simulated.promptTokens == pair.measured.promptTokens)
      #expect("\(simulated.number)" == pair.measured.id)
      let ttft = try #require(ObservedFigure.ttft.value(of: simulated, since: .queued))
      #expect(abs(ttft - pair.measured.timeToFirstTokenMs!) < 0.01)
    }
  }

  @Test("of a machine that is twice as slow find what is missing")
  func slower() throws {
    var run = try simulatedRun()
    for place in run.requests.indices {
      let request = run.requests[place]
      run.requests[place].endToEndMs *= 2
      run.requests[place].timeToFirstTokenMs = request.timeToFirstTokenMs! * 2
    }
    let report = try ObservationStudy(run, scenario: scenario).run(library: tiny.library).report
    let mean = try #require(report.e2elMs?.mean)
    #expect(abs(mean.bias! + 0.5) < 0.001 && abs(mean.error! - 0.5) < 0.001)
    // Every value must move by half of its measured size.
    #expect(abs(report.e2elMs!.wassersteinMs! - mean.measured! / 2) < 0.01 * mean.measured!)
    #expect(report.e2elMs!.ksDistance! > 0.3)
  }

  @Test("with users send as many requests at once as there are users")
  func users() throws {
    let run = try simulatedRun(count: 9)
    let outcome = try ObservationStudy(run, scenario: scenario, users: 2).run(
      library: tiny.library)
    #expect(outcome.report.notices.contains { $0.contains("--concurrency") })
    let simulated = outcome.pairs.compactMap(\.simulated)
    #expect(simulated.count == 9)
    for request in simulated {
      let others = simulated.filter {
        $0.arrival < request.lastToken && request.arrival < $0.lastToken && $0 != request
      }
      // At any instant at most one other; over its life those that follow each other.
      for instant in others.map({ max($0.arrival, request.arrival) }) {
        let running = simulated.filter { $0.arrival <= instant && instant < $0.lastToken }
        #expect(running.count <= 2)
      }
    }
  }

  @Test("of results that do not say how requests came ask for users")
  func unknownArrivals() throws {
    var run = try simulatedRun(count: 3)
    run.arrivals = .unknown
    let error = #expect(throws: Diagnostic.self) {
      _ = try ObservationStudy(run, scenario: scenario)
    }
    #expect("\(error!)".contains("--concurrency"))
    #expect(throws: Never.self) { _ = try ObservationStudy(run, scenario: scenario, users: 1) }
  }

  @Test("of a summary compare statistics without distances")
  func summary() throws {
    let text = """
      {"request_latency": {"unit": "ms", "avg": 20, "p50": 18, "count": 6},
       "time_to_first_token": {"unit": "ms", "avg": 5, "p50": 4, "count": 6},
       "input_sequence_length": {"unit": "tokens", "avg": 12},
       "output_sequence_length": {"unit": "tokens", "avg": 7},
       "request_throughput": {"unit": "requests/sec", "avg": 80},
       "input_config": {"concurrency": 2}}
      """
    let run = try ObservedRunReader.read(bytes: [UInt8](text.utf8), file: "s.json")
    let outcome = try ObservationStudy(run, scenario: scenario).run(library: tiny.library)
    #expect(outcome.pairs.isEmpty && outcome.samples.isEmpty)
    let ttft = try #require(outcome.report.ttftMs)
    #expect(ttft.mean.measured == 5 && ttft.mean.error != nil)
    #expect(ttft.ksDistance == nil && ttft.p99.measured == nil && ttft.p99.simulated != nil)
    #expect(outcome.report.requests.completed == 6 && outcome.report.tpotMs == nil)
    #expect(outcome.report.requestsPerSecond.measured == 80)
  }
}
