// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Experiments
import Foundation
import Reports

/// `moesim compare`: several policies on the same requests and the same routing.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Run several policies on the same requests and routing, and say which wins and why.",
    discussion: """
      Differences from the baseline are paired by replication; intervals are Student's t at 95 %, \
      p-values are corrected by Holm's method where several policies are compared. Two ceilings are \
      run beside the policies: the baseline with Belady's eviction, and a machine whose transfers \
      take no time. Runs without a steady state are labelled, and not averaged.
      """)

  @Argument(help: "The scenario: a file, or a name in scenarios/.")
  var scenario: String

  @Option(
    name: .customLong("policy"),
    help: "Policies, separated by commas: names in policies/, or paths. Repeatable.")
  var policies: [String]

  @Option(help: "Runs of each policy, 2 or more for intervals. (default: the scenario's)")
  var replications: Int?

  @Option(help: "The policy that the others are compared with. (default: the first)")
  var baseline: String?

  @Flag(name: .customLong("no-ceilings"), help: "Run the policies alone, without the ceilings.")
  var skipsCeilings = false

  @Option(
    name: .customLong("set"),
    help: "Set a key of the scenario for every policy, e.g. --set cache.experts=4. Repeatable.")
  var overrides: [String] = []

  @Option(
    help: "The report's format: \(ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format: ReportFormat = .table

  @Option(name: .shortAndLong, help: "Write the report to a file instead of standard output.")
  var output: String?

  @Option(
    name: .customLong("require"),
    help: """
      Exit with 2 unless every run of every policy keeps the limit, e.g. 'tpot_ms.p99<=100'; \
      'lfu:tpot_ms.p99<=100' speaks of one policy. Repeatable.
      """)
  var requirements: [String] = []

  @Flag(name: .customLong("no-progress"), help: "Show no progress on standard error.")
  var hidesProgress = false

  func run() throws {
    try CommandFailure.guarded { try compare() }
  }

  private func compare() throws {
    let names = policies.flatMap { text in
      text.split(separator: ",", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
    }
    if names.contains("") { throw ValidationError("--policy has an empty name") }
    let study: ComparisonStudy
    do {
      study = try ComparisonStudy(
        scenario: scenario, overrides: overrides,
        options: ComparisonOptions(
          policies: names, baseline: baseline, replications: replications,
          includesCeilings: !skipsCeilings))
    } catch let error as ComparisonError {
      throw ValidationError("\(error)")
    }
    let limits = try requirements.map { try PolicyLimit(parsing: $0, policies: study.policies) }
    var display = ProgressDisplay(isWanted: !hidesProgress)
    let outcome = try study.run { progress in
      display.update(
        Progress(
          done: Double(progress.completed), total: Double(progress.total), unit: "runs",
          detail: progress.policy))
    }
    display.finish()
    let style = output == nil ? ReportStyle.detected() : ReportStyle()
    let renderer = ComparisonRenderer(format: format, style: style)
    try OutputWriter.write(renderer.render(outcome.comparison), to: output)
    try PolicyLimit.check(limits, outcome)
  }
}

/// A limit of `--require` on every policy that is compared, or on one.
private struct PolicyLimit {
  /// The policy that must keep it; `nil` for all.
  var policy: String?
  /// The limit.
  var limit: RequireLimit

  /// Reads `[POLICY:]KEY<=NUMBER`.
  init(parsing text: String, policies: [String]) throws {
    let end = text.firstIndex { "<>=!".contains($0) } ?? text.endIndex
    guard let colon = text[..<end].lastIndex(of: ":") else {
      limit = try RequireLimit(parsing: text)
      return
    }
    let name = text[..<colon].trimmingCharacters(in: .whitespaces)
    guard policies.contains(name) else {
      let guess = closestMatch(to: name, among: policies).map { "; did you mean '\($0)'?" } ?? ""
      throw ValidationError(
        "--require '\(text)': the policy '\(name)' is not compared; those are "
          + policies.joined(separator: ", ") + guess)
    }
    policy = name
    limit = try RequireLimit(parsing: String(text[text.index(after: colon)...]))
  }

  /// Throws code 2 after telling of every limit that a run misses; ceilings need not keep any.
  static func check(_ limits: [PolicyLimit], _ outcome: ComparisonStudy.Outcome) throws {
    var isMissed = false
    for limit in limits {
      for (row, results) in zip(outcome.comparison.rows, outcome.results)
      where row.kind == .policy && (limit.policy ?? row.name) == row.name {
        for result in results {
          guard let miss = try limit.limit.evaluate(result).miss else { continue }
          StandardError.print(
            "moesim: \(row.name), replication \(result.replication): \(miss)")
          isMissed = true
        }
      }
    }
    if isMissed { throw CommandFailure.limitMissed }
  }
}
