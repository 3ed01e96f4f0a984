// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving

/// Simulates measured serving points, each as a scenario of its own, and sets the latencies side by side.
public struct PointStudy: Sendable {
  /// What to take of a table, and how to run it.
  public struct Options: Sendable {
    /// Conditions that points must meet, all of them.
    public var conditions: [PointRule.Condition] = []
    /// The group on which runtime constants are fitted: "model/system/backend"; `nil` for none.
    public var fitGroup: String?
    /// The keys of the runtime profile that are fitted, each a duration.
    public var fitKeys = ["per_step"]
    /// Settings that are laid over every scenario, "path.to.key=value".
    public var overrides: [String] = []
    /// Runs at once.
    public var workers = 1

    /// Every point, nothing fitted.
    public init() {}
  }

  /// Where names are looked for.
  public var library: DataLibrary
  /// How points become scenarios.
  public var rules: PointRules
  /// What to take, and how.
  public var options: Options

  /// A study by some rules.
  public init(rules: PointRules, options: Options = Options(), library: DataLibrary = .standard) {
    self.rules = rules
    self.options = options
    self.library = library
  }

  /// A point with its scenario.
  typealias Case = PointRules.Resolved

  /// Simulates the points of a table.
  ///
  /// - Parameter progress: told how many runs are done, and of how many.
  /// - Throws: What rules and scenarios say of themselves; a point whose scenario is refused is no
  ///   error, but listed with the reason.
  public func run(
    _ table: [ServingPoint], progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
  ) throws -> PointReport {
    var report = PointReport()
    var cases: [Case] = []
    for point in table where matches(point) {
      if point.isDisaggregated {
        report.disaggregated += 1
        continue
      }
      switch try rules.resolve(point) {
      case .failure(let refusal): report.refuse(point, refusal.reason)
      case .success(let found): cases.append(found)
      }
    }
    report.duplicates = removeDuplicates(&cases)
    var fit: RuntimeFit?
    if let group = options.fitGroup {
      let members = cases.filter { PointReport.Group.key(of: $0.point) == group }
      guard !members.isEmpty else {
        throw Diagnostics([
          Diagnostic(
            location: nil,
            message: "no simulated point is of the group '\(group)'; expected one of: "
              + Self.groups(cases).joined(separator: ", "))
        ])
      }
      fit = try RuntimeFit.fit(members, keys: options.fitKeys) { members, values in
        simulate(members, fitted: values).map { try? $0.get() }
      }
      report.fit = fit
    }
    let outcomes = simulate(cases, fitted: fit, progress: progress)
    for (found, outcome) in zip(cases, outcomes) {
      switch outcome {
      case .failure(let refusal): report.refuse(found.point, refusal.reason)
      case .success(let latencies):
        let isFitted =
          found.isFitted || PointReport.Group.key(of: found.point) == fit?.group
        report.points.append(PointReport.Point(found, latencies, isFitted: isFitted))
      }
    }
    report.summarise()
    return report
  }

  /// The scenario of a point, as it is simulated.
  ///
  /// - Throws: What the scenario's reader says.
  public func scenario(
    of found: PointRules.Resolved, fitted: RuntimeFit? = nil
  ) throws -> Scenario {
    var tree = found.tree
    if let fitted, let runtime = tree["runtime"]?.scalar, runtime == fitted.runtime {
      tree = try fitted.applied(to: tree)
    }
    return try Scenario.read(
      tree, file: rules.file, overrides: options.overrides, library: library)
  }

  private func matches(_ point: ServingPoint) -> Bool {
    options.conditions.allSatisfy {
      PointRule.covers($0, point: point)
    }
  }

  private static func groups(_ cases: [Case]) -> [String] {
    var seen: [String] = []
    for key in cases.map({ PointReport.Group.key(of: $0.point) }) where !seen.contains(key) {
      seen.append(key)
    }
    return seen
  }

  /// Drops measurements that stand in the table again in another encoding, or rounded to two decimals.
  private func removeDuplicates(_ cases: inout [Case]) -> Int {
    var seen: [String: [ServingPoint]] = [:]
    let before = cases.count
    cases.removeAll { found in
      let point = found.point
      let scenario = [
        found.tree["model"]?.scalar ?? "", point.system, point.backend, point.precision,
        found.plan.label, "\(point.prompt)", "\(point.output)", "\(point.concurrency ?? 0)",
      ].joined(separator: "|")
      // Some encodings round down, others up.
      let isKnown = seen[scenario, default: []].contains {
        abs($0.ttftMs - point.ttftMs) < 0.011 && abs($0.tpotMs - point.tpotMs) < 0.011
      }
      if !isKnown { seen[scenario, default: []].append(point) }
      return isKnown
    }
    return before - cases.count
  }

  /// The mean latencies of a run.
  struct Latencies: Sendable {
    var ttftMs: Double
    var tpotMs: Double
    var outputTokensPerSecond: Double
  }

  /// Runs all cases, several at once; the results stand in the order of the cases. Measurements of one
  /// scenario have one run.
  func simulate(
    _ cases: [Case], fitted: RuntimeFit? = nil,
    progress: (@Sendable (Int, Int) -> Void)? = nil
  ) -> [Result<Latencies, PointRules.Unsupported>] {
    typealias Outcome = Result<Latencies, PointRules.Unsupported>
    let (runs, runOfCase) = Self.runs(of: cases)
    let draws = SharedExpertDraws()
    let tell = progress.map { progress in { @Sendable in progress($0, runs.count) } }
    let outcomes: [Outcome] = concurrentMap(
      runs.count, workers: options.workers, progress: tell
    ) { latencies(of: runs[$0], fitted: fitted, draws: draws) }
    return runOfCase.map { outcomes[$0] }
  }

  /// The scenarios among cases, each once, and which of them each case is.
  private static func runs(of cases: [Case]) -> (runs: [Case], runOfCase: [Int]) {
    var runs: [Case] = []
    var known: [String: Int] = [:]
    let runOfCase = cases.map { found in
      let scenario = (found.tree.mapping ?? []).filter { $0.key != "name" }
        .map { "\($0.key): \($0.value.json)" }.joined(separator: "\n")
      if let run = known[scenario] { return run }
      known[scenario] = runs.count
      runs.append(found)
      return runs.count - 1
    }
    return (runs, runOfCase)
  }

  private func latencies(
    of found: Case, fitted: RuntimeFit?, draws: SharedExpertDraws
  ) -> Result<Latencies, PointRules.Unsupported> {
    do {
      let scenario = try scenario(of: found, fitted: fitted)
      let result =
        scenario.isFleet
        ? try fleet(scenario, tree: found.tree, draws: draws)
        : try ServingSimulation.run(scenario.configuration(library: library)).result
      guard let ttft = result.ttftMs, let tpot = result.tpotMs
      else { return .failure(.init(reason: "no request was answered")) }
      return .success(
        Latencies(
          ttftMs: ttft.mean, tpotMs: tpot.mean,
          outputTokensPerSecond: result.throughput.outputTokensPerSecond))
    } catch {
      return .failure(.init(reason: Self.reason(error)))
    }
  }

  private func fleet(
    _ scenario: Scenario, tree: ConfigurationNode, draws: SharedExpertDraws
  ) throws -> SimulationResult {
    var configuration = try scenario.fleetConfiguration(library: library)
    draws.share(with: &configuration, of: tree, replication: 0)
    return try FleetSimulation.run(configuration).result
  }

  /// An error as a reason: its first line, without the place in the rules, which all points share.
  static func reason(_ error: any Error) -> String {
    if let diagnostics = error as? Diagnostics, let first = diagnostics.all.first {
      return first.path.isEmpty ? first.message : "\(first.path): \(first.message)"
    }
    if let diagnostic = error as? Diagnostic {
      return diagnostic.path.isEmpty
        ? diagnostic.message : "\(diagnostic.path): \(diagnostic.message)"
    }
    return "\(error)".split(separator: "\n").first.map(String.init) ?? "failed"
  }
}
