// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving
import Workload

/// Replays the requests of a measured run through the simulation of a scenario, and compares.
public struct ObservationStudy {
  /// What came of it.
  public struct Outcome {
    /// The comparison.
    public var report: ObservationReport
    /// The requests of both sides in the order of sending; empty where the file holds none singly, or
    /// where simulated requests do not correspond to measured ones.
    public var pairs: [ObservedPair]
    /// The values of each figure of which both sides are known singly.
    public var samples: [(figure: ObservedFigure, measured: Sample, simulated: Sample)]
  }

  private let scenario: Scenario
  private let run: ObservedRun

  /// A study of a run under a scenario.
  ///
  /// - Parameters:
  ///   - run: The measured run.
  ///   - scenario: What is simulated; its workload, warm-up and end give way to the run's requests.
  ///   - users: Users of a closed loop who send the requests, in place of how they were sent.
  /// - Throws: A `Diagnostic` when neither the run nor the caller says how requests arrived.
  public init(_ run: ObservedRun, scenario: Scenario, users: Int? = nil) throws {
    guard run.arrivals != .unknown || users != nil else {
      throw Diagnostic(
        location: SourceLocation(file: run.file, line: 1, column: 1),
        message: "does not say when requests were sent, nor by how many users; name the users with"
          + " --concurrency")
    }
    var run = run
    if let users {
      run.arrivals = .closedLoop(users: users)
      run.notices.append(
        "\(users) users (--concurrency) send the requests, each as soon as an answer is there")
    }
    self.run = run
    var scenario = scenario
    scenario.workload = run.workload()
    scenario.run.warmUp = .requests(0)
    scenario.run.durationSeconds = nil
    scenario.run.replications = 1
    scenario.run.improvements = false
    self.scenario = scenario
  }

  /// Simulates and compares.
  ///
  /// - Parameters:
  ///   - library: Where the names of parts are looked for.
  ///   - progress: Told now and then how far the simulation has come.
  /// - Throws: What the scenario and the simulation throw.
  public func run(
    library: DataLibrary = .standard, progress: ((ServingSimulation.Progress) -> Void)? = nil
  ) throws -> Outcome {
    let execution = try ScenarioExecution.execute(
      scenario, requests: RequestCollector(), library: library, progress: progress)
    let result = execution.results[0]
    let outcomes = (execution.requests as? RequestCollector)?.outcomes ?? []
    return compare(result, outcomes)
  }

  private func compare(_ result: SimulationResult, _ outcomes: [RequestOutcome]) -> Outcome {
    let completed = outcomes.filter { $0.fate == .completed }
    var samples: [(figure: ObservedFigure, measured: Sample, simulated: Sample)] = []
    var comparisons: [ObservedFigure: FigureComparison] = [:]
    for figure in ObservedFigure.allCases where figure != .itl {
      let simulated = Sample(completed.compactMap { figure.value(of: $0, since: run.origin) })
      if let statistics = run.summary?.statistics(of: figure) {
        comparisons[figure] = FigureComparison(
          measured: statistics, measuredCount: statistics.count,
          simulated: ObservedStatistics(simulated), simulatedCount: simulated.values.count)
        continue
      }
      let measured = Sample(run.requests.compactMap { figure.value(of: $0) })
      guard !measured.values.isEmpty else { continue }
      comparisons[figure] = FigureComparison(measured: measured, simulated: simulated)
      samples.append((figure, measured, simulated))
    }
    if !run.interTokenMs.isEmpty, let simulated = result.itlMs {
      comparisons[.itl] = FigureComparison(
        measured: ObservedStatistics(Sample(run.interTokenMs)),
        measuredCount: run.interTokenMs.count, simulated: ObservedStatistics(simulated),
        simulatedCount: simulated.count)
    }
    let rates = Rates(run: run, completed: completed)
    let report = ObservationReport(
      results: run.file, format: run.format.rawValue, scenario: result.scenario,
      seed: result.seed, setting: setting(result), latenciesSince: run.origin.rawValue,
      requests: ObservedRequests(
        measured: run.requestCount, leftOut: run.leftOut, completed: completed.count,
        rejected: outcomes.count { $0.fate == .rejected },
        lost: outcomes.count { $0.fate == .lost },
        unfinished: run.requestCount - outcomes.count,
        preemptions: result.requests.preemptions),
      requestsPerSecond: rates.requests, outputTokensPerSecond: rates.tokens,
      durationSeconds: rates.duration, ttftMs: comparisons[.ttft], tpotMs: comparisons[.tpot],
      itlMs: comparisons[.itl], e2elMs: comparisons[.endToEnd], queueMs: comparisons[.queue],
      notices: run.notices + notices(result), runInfo: result.runInfo)
    return Outcome(report: report, pairs: pairs(outcomes), samples: samples)
  }

  private func setting(_ result: SimulationResult) -> SimulationResult.SettingSummary {
    var setting = result.setting
    let name = String(run.file.split(separator: "/").last ?? "")
    setting.workload = "the \(run.requestCount) requests of \(name)"
    return setting
  }

  /// What the simulation says of itself; that waits grew is a fact of the measured run as well.
  private func notices(_ result: SimulationResult) -> [String] {
    result.notices.filter { $0 != result.steadyState.reason || result.steadyState.stable }
  }

  /// Pairs exist where a request of the file is a request of the simulation.
  private func pairs(_ outcomes: [RequestOutcome]) -> [ObservedPair] {
    var pairs = run.requests.map { ObservedPair(measured: $0, simulated: nil) }
    guard !pairs.isEmpty else { return [] }
    for outcome in outcomes where Int(outcome.number) < pairs.count {
      pairs[Int(outcome.number)].simulated = outcome
    }
    return pairs
  }

  /// Work done per second, and over how long.
  private struct Rates {
    var requests: ComparedNumber
    var tokens: ComparedNumber
    var duration: ComparedNumber

    init(run: ObservedRun, completed: [RequestOutcome]) {
      let starts = completed.map { run.origin == .arrival ? $0.arrival : $0.queued }
      let first = starts.min() ?? 0
      let last = completed.map(\.lastToken).max() ?? first
      let simulated = last > first ? Double(last - first) * 1e-9 : nil
      let measured = run.durationSeconds
      duration = ComparedNumber(measured: measured, simulated: simulated)
      requests = ComparedNumber(
        measured: run.summary?.requestsPerSecond
          ?? measured.map { Double(run.requestCount) / $0 },
        simulated: simulated.map { Double(completed.count) / $0 })
      let output = run.requests.reduce(0.0) { $0 + Double($1.outputTokens) }
      tokens = ComparedNumber(
        measured: run.summary?.outputTokensPerSecond ?? measured.map { output / $0 },
        simulated: simulated.map {
          completed.reduce(0.0) { $0 + Double($1.outputTokens) } / $0
        })
    }
  }
}

extension ObservedSummary {
  /// The statistics of a figure, where the summary has it.
  func statistics(of figure: ObservedFigure) -> ObservedStatistics? {
    switch figure {
    case .ttft: timeToFirstTokenMs
    case .tpot: timePerOutputTokenMs
    case .endToEnd: endToEndMs
    case .itl, .queue: nil
    }
  }
}
