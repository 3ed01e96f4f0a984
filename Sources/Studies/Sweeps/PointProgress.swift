// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Records

/// How far a point of a study has come: what is known of it, and what is still to be run.
public struct PointProgress: Sendable {
  /// Why a point has no further runs, or which it has.
  public enum State: Sendable, Equatable {
    /// Runs are missing.
    case unfinished
    /// As many replications as the study asks for.
    case complete
    /// As precise as the study asks for.
    case precise
    /// The most replications, and not as precise as the study asks for.
    case imprecise
    /// A run had no steady state, did not fit, or failed: more would say nothing else.
    case settled(RunRecord.Status)
    /// Runs are too short to tell their beginning from their steady state.
    case tooShort(batches: Int, cut: Int)
  }

  /// The point.
  public let point: StudyPoint
  /// Its state.
  public private(set) var state = State.unfinished
  /// The known replications, in their order.
  public private(set) var records: [RunRecord] = []
  /// Requests that are cut from the front of each run; `nil` where the scenario says.
  public private(set) var warmUpRequests: Int?
  /// What is to be run next.
  public private(set) var missing: [SweepPlan.Entry] = []

  init(_ point: StudyPoint, study: Study, known: some KnownRuns) throws {
    self.point = point
    guard let tree = point.tree else {
      try fail(study, known)
      return
    }
    guard study.warmUp == .mser5 else {
      let identity = point.identity ?? RunIdentity(tree: tree, kind: .run, files: point.files)
      try replicate(tree, identity, study, known)
      return
    }
    guard let cut = try pilot(tree, study, known) else { return }
    warmUpRequests = cut
    let runTree = try Self.setting("run.warmup", "\(cut)", in: tree)
    try replicate(
      runTree, RunIdentity(tree: runTree, kind: .run, files: point.files), study, known)
  }

  /// A point that cannot be resolved is one failed run.
  private mutating func fail(_ study: Study, _ known: some KnownRuns) throws {
    let problem = point.problem ?? ""
    let text = study.name + "\n" + point.labels.joined(separator: "\n") + "\n" + problem
    let id = ContentDigest(of: text).hexadecimal
    if let record = try known.record(of: id) {
      records = [record]
      state = .settled(record.status)
    } else {
      missing = [
        SweepPlan.Entry(
          id: id, point: id, replication: 0, kind: .run, labels: point.labels, scenarioText: nil,
          problem: problem, files: [])
      ]
    }
  }

  /// The length of the warm-up, once the pilots are known.
  private mutating func pilot(
    _ tree: ConfigurationNode, _ study: Study, _ known: some KnownRuns
  ) throws -> Int? {
    let pilotTree = try Self.setting("run.warmup", "0", in: tree)
    let identity = RunIdentity(tree: pilotTree, kind: .pilot, files: point.files)
    var series: [[Double]] = []
    lazy var text = Self.text(of: pilotTree)
    for replication in 0..<max(SweepPlanner.leastPilots, study.replications) {
      let id = identity.run(UInt32(replication))
      guard let record = try known.record(of: id) else {
        missing.append(entry(text, id, identity, UInt32(replication), .pilot))
        continue
      }
      guard record.status == .ok, let values = record.series else {
        records = [record]
        state = .settled(record.status)
        missing = []
        return nil
      }
      series.append(values)
    }
    guard missing.isEmpty else { return nil }
    let rule = MSER5(batchMeans: MSER5.average(of: series))
    guard rule.isTrustworthy else {
      state = .tooShort(batches: rule.batches, cut: rule.cut)
      return nil
    }
    return rule.observations
  }

  private mutating func replicate(
    _ tree: ConfigurationNode, _ identity: RunIdentity, _ study: Study,
    _ known: some KnownRuns
  ) throws {
    lazy var text = Self.text(of: tree)
    var wanted = study.replications
    var replication = 0
    while true {
      while replication < wanted {
        let id = identity.run(UInt32(replication))
        if let record = try known.record(of: id) {
          records.append(record)
        } else {
          missing.append(entry(text, id, identity, UInt32(replication), .run))
        }
        replication += 1
      }
      // All replications are run whatever becomes of one, so that results do not depend on when a
      // study was interrupted; further ones only where there is a mean to make precise.
      guard missing.isEmpty else { return }
      if let settled = records.first(where: { $0.status != .ok }) {
        state = .settled(settled.status)
        return
      }
      guard let stop = study.stop else {
        state = .complete
        return
      }
      guard let more = more(stop, confidence: study.confidence) else { return }
      wanted = more
    }
  }

  /// The replications to come to, or `nil` once there are enough.
  private mutating func more(_ stop: Study.StoppingRule, confidence: Double) -> Int? {
    let values = records.compactMap { $0.figure(stop.figure) }
    guard let estimate = IntervalEstimate(of: values, confidence: confidence),
      values.count == records.count, let precision = estimate.relativePrecision
    else {
      // Without the figure no number of replications makes it precise.
      state = .imprecise
      return nil
    }
    if precision <= stop.precision {
      state = .precise
      return nil
    }
    guard records.count < stop.maximumReplications else {
      state = .imprecise
      return nil
    }
    // The half-width falls with the root of the number; at most doubled at once, since the deviation
    // is itself an estimate.
    let ratio = min(2, (precision / stop.precision) * (precision / stop.precision))
    let next = Int((Double(records.count) * ratio).rounded(.up))
    return min(stop.maximumReplications, max(records.count + 1, next))
  }

  private func entry(
    _ scenarioText: String, _ id: String, _ identity: RunIdentity, _ replication: UInt32,
    _ kind: RunIdentity.Kind
  ) -> SweepPlan.Entry {
    SweepPlan.Entry(
      id: id, point: identity.point, replication: replication, kind: kind,
      labels: point.labels, scenarioText: scenarioText, problem: nil,
      files: point.files.map(\.hexadecimal))
  }

  private static func text(of tree: ConfigurationNode) -> String {
    JSONText.text(of: ScenarioValue.written(tree), layout: .compact, sortsKeys: false)
  }

  private static func setting(
    _ path: String, _ text: String, in tree: ConfigurationNode
  ) throws -> ConfigurationNode {
    let value = ConfigurationNode(
      .scalar(text, quoted: false), location: SourceLocation(origin: "study"))
    return try tree.setting(path, to: value, origin: "study")
  }
}
