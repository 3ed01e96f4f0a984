// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Foundation
import Records

/// Turns a study into plans, one after the other: pilots where warm-ups are to be found, then
/// replications, then more of them where they are not precise enough.
///
/// What is known already is never planned again. The same study and the same known runs give the
/// same plan.
public struct SweepPlanner {
  /// The study.
  public let study: Study
  /// The points in the order of the design.
  public private(set) var points: [StudyPoint] = []
  private let folder: String

  /// The pilots of a point at least.
  static let leastPilots = 5

  /// Resolves every point of a study.
  ///
  /// A point that cannot be resolved becomes a run that fails, unless all are so: then the first
  /// problem is thrown, since the study itself must be wrong.
  ///
  /// - Throws: `MissingFile`, `Diagnostics`, or what a role says of itself.
  public init(_ study: Study, library: DataLibrary = .standard) throws {
    self.study = study
    folder = URL(filePath: study.file).deletingLastPathComponent().standardizedFileURL.path
    let settings = try study.design.settings(
      of: study.axes, points: study.points, seed: study.designSeed)
    let inventory = FileInventory(library: library)
    var first: (any Error)?
    ConfigurationFiles.$current.withValue(ConfigurationFiles()) {
      var known: Set<String> = []
      for labels in settings {
        do {
          let point = try resolve(labels, inventory, library)
          // Values such as 1 and 1.0 are one point, and designs may come to a point twice.
          if known.insert(point.identity?.point ?? "").inserted { points.append(point) }
        } catch {
          if first == nil { first = error }
          points.append(StudyPoint(labels: labels, problem: "\(error)"))
        }
      }
    }
    if let first, points.allSatisfy({ $0.tree == nil }) { throw first }
  }

  private func resolve(
    _ labels: [String], _ inventory: FileInventory, _ library: DataLibrary
  ) throws -> StudyPoint {
    var overrides: [String] = []
    if study.base.value(at: "run.improvements") == nil {
      // Each would run a scenario several times, to say what would help.
      overrides.append("run.improvements=false")
    }
    overrides += study.overrides
    overrides += zip(study.axes, labels).map { "\($0.key)=\($1)" }
    let scenario = try Scenario.read(
      study.base, file: study.file, overrides: overrides, library: library)
    guard scenario.fleet.wideArea == nil else {
      throw Diagnostic(
        location: nil, path: "fleet.wide_area",
        message: "pipelines over a wide-area network have a report of their own and are not swept")
    }
    let files = try inventory.digests(of: scenario.tree, file: study.file)
    return StudyPoint(labels: labels, tree: scenario.tree, files: files)
  }

  /// The next plan: what the study needs beside what is known. Its runs are none when it is done.
  ///
  /// - Parameters:
  ///   - known: The runs whose end is known.
  ///   - shards: Into how many shards the runs are divided, or fewer where they are few.
  public func plan(after known: some KnownRuns, shards: Int) throws -> SweepPlan {
    plan(for: try progress(with: known), shards: shards)
  }

  /// The plan of what points that have come so far still need.
  func plan(for points: [PointProgress], shards: Int) -> SweepPlan {
    let entries = points.flatMap(\.missing)
    return SweepPlan(
      study: study.name, folder: folder, axes: study.axes.map(\.key),
      shards: max(1, min(shards, entries.count)), timeoutSeconds: study.timeoutSeconds,
      entries: entries)
  }

  /// How far each point has come.
  public func progress(with known: some KnownRuns) throws -> [PointProgress] {
    try points.map { try PointProgress($0, study: study, known: known) }
  }
}

/// One point of a study: a scenario with all values set.
public struct StudyPoint: Sendable {
  /// The values of the axes, in their order.
  public let labels: [String]
  /// The resolved scenario; `nil` where it could not be resolved.
  public let tree: ConfigurationNode?
  /// Why not.
  public let problem: String?
  /// The digests of the files on which it depends.
  public let files: [ContentDigest]
  /// The identity of the scenario as it is; `nil` where it could not be resolved.
  let identity: RunIdentity?

  /// A point that was resolved.
  init(labels: [String], tree: ConfigurationNode, files: [ContentDigest]) {
    self.labels = labels
    self.tree = tree
    self.files = files
    problem = nil
    identity = RunIdentity(tree: tree, kind: .run, files: files)
  }

  /// A point that could not be resolved.
  init(labels: [String], problem: String) {
    self.labels = labels
    self.problem = problem
    tree = nil
    files = []
    identity = nil
  }
}
