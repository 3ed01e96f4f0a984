// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
public import Serving

/// Runs several policies on the same requests and the same routing.
///
/// Draws depend on (seed, replication, request) alone, never on time or on the policy, so that two
/// policies of one replication see the same tokens choose the same experts (common random numbers).
/// Runs follow one another in a fixed order.
public struct ComparisonStudy {
  /// What came of a comparison.
  public struct Outcome: Sendable {
    /// The comparison.
    public var comparison: PolicyComparison
    /// The record of every run, by row and replication.
    public var results: [[SimulationResult]]
  }

  /// How far a comparison has come.
  public struct Progress: Sendable {
    /// Runs that have ended.
    public var completed: Int
    /// Runs in all.
    public var total: Int
    /// The policy of the run that is next.
    public var policy: String
  }

  private let scenario: Scenario
  private let contenders: [ComparisonContender]
  private let baseline: Int
  private let replications: Int
  private let confidence: Double
  private let library: DataLibrary

  /// A comparison.
  ///
  /// - Parameters:
  ///   - nameOrPath: The scenario; its own policy is not run unless it is among the options'.
  ///   - overrides: Settings of the scenario, `path.to.key=value`, which hold for every policy.
  ///   - options: What is compared.
  ///   - library: Where names are looked for.
  /// - Throws: ``ComparisonError``, `MissingFile`, `Diagnostics`.
  public init(
    scenario nameOrPath: String, overrides: [String] = [], options: ComparisonOptions,
    library: DataLibrary = .standard
  ) throws {
    guard !options.policies.isEmpty else { throw ComparisonError.noPolicies }
    for text in overrides {
      let path = try Scenario.parse(override: text).path
      if path == "policy" || path == "policy.preset" { throw ComparisonError.policyIsSet(text) }
    }
    let names = Self.labels(of: options.policies)
    var contenders: [ComparisonContender] = []
    var first: Scenario?
    for (name, preset) in zip(names, options.policies) {
      try Self.check(preset, scenario: nameOrPath, library: library)
      let scenario = try Scenario.load(
        nameOrPath, overrides: ["policy=\(Self.quoted(preset))"] + overrides, library: library)
      contenders.append(.init(name: name, kind: .policy, scenario: scenario))
      if first == nil { first = scenario }
    }
    guard let scenario = first else { throw ComparisonError.noPolicies }
    let baselineName = options.baseline ?? names[0]
    guard let baseline = names.firstIndex(of: baselineName) else {
      throw ComparisonError.unknownBaseline(baselineName, policies: names)
    }
    replications = options.replications ?? scenario.run.replications
    guard replications >= 1 else { throw ComparisonError.replications(replications) }
    if options.includesCeilings {
      contenders += ComparisonContender.ceilings(of: contenders[baseline])
    }
    self.scenario = scenario
    self.contenders = contenders
    self.baseline = baseline
    self.library = library
    confidence = options.confidence
  }

  /// The names of the policies that are compared, in order; a preset that is named twice has a
  /// number behind its second name.
  public var policies: [String] { contenders.filter { $0.kind == .policy }.map(\.name) }

  /// Runs everything.
  ///
  /// - Parameter progress: Told before each run how many have ended.
  /// - Throws: What running throws; `DoesNotFit` when the model does not fit.
  public func run(progress: ((Progress) -> Void)? = nil) throws -> Outcome {
    let clock = ProcessClock()
    var results = [[SimulationResult]](repeating: [], count: contenders.count)
    var setting: SimulationResult.SettingSummary?
    var events: UInt64 = 0
    var linkRate = Double.infinity
    for replication in 0..<UInt32(replications) {
      for (index, contender) in contenders.enumerated() {
        if let same = contenders[..<index].firstIndex(where: { $0.equals(contender) }) {
          // Nothing of a run depends on what the policy is called.
          var result = results[same][Int(replication)]
          result.setting.policy = contender.name
          results[index].append(result)
          continue
        }
        progress?(
          Progress(
            completed: Int(replication) * contenders.count + index,
            total: replications * contenders.count, policy: contender.name))
        let configuration = try contender.configuration(
          replication: replication, library: library)
        let result = try ServingSimulation.run(configuration).result
        if index == baseline { linkRate = configuration.figures.linkRate }
        events += result.eventsProcessed
        if index == baseline, setting == nil { setting = result.setting }
        results[index].append(result)
      }
    }
    let analysis = ComparisonAnalysis(
      contenders: contenders, results: results, baseline: baseline, confidence: confidence,
      linkRate: linkRate)
    let comparison = PolicyComparison(
      scenario: scenario.name, seed: scenario.run.seed, replications: replications,
      confidence: confidence, setting: setting ?? results[baseline][0].setting,
      baseline: contenders[baseline].name, measure: analysis.measure, verdict: analysis.verdict,
      rows: analysis.rows, notices: analysis.notices, runInfo: clock.runInfo(events: events))
    return Outcome(comparison: comparison, results: results)
  }

  /// The rows' names: the policies as they were asked for, numbered where one stands there again.
  private static func labels(of policies: [String]) -> [String] {
    policies.indices.map { index in
      let before = policies[..<index].count { $0 == policies[index] }
      return before == 0 ? policies[index] : "\(policies[index])#\(before + 1)"
    }
  }

  /// Throws when no preset and no eviction rule is meant, with the names that there are.
  private static func check(_ preset: String, scenario: String, library: DataLibrary) throws {
    let folder = library.path(of: scenario, .scenario).map {
      URL(filePath: $0).deletingLastPathComponent().path
    }
    guard library.path(of: preset, .policy, from: folder) == nil,
      !ScenarioRoleNames.eviction.contains(preset)
    else { return }
    let known = library.names(.policy)
    let guess = closestMatch(to: preset, among: known).map { "did you mean '\($0)'? " } ?? ""
    throw MissingFile(
      path: preset, hint: guess + "presets are \(known.joined(separator: ", ")), or a path")
  }

  /// A name as a scalar of YAML.
  private static func quoted(_ text: String) -> String {
    let plain = text.allSatisfy { $0.isLetter || $0.isNumber || "-_./".contains($0) }
    return plain ? text : "'" + text.replacing("'", with: "''") + "'"
  }
}
