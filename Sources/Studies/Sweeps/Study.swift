// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Foundation

/// A scenario and what of it is varied: the content of a study file, or of `--vary` arguments.
public struct Study: Sendable {
  /// How the warm-up of each point is found.
  public enum WarmUp: String, Sendable, CaseIterable {
    /// As `run.warmup` of the scenario says.
    case scenario
    /// By the rule MSER-5 on the average over pilot replications.
    case mser5 = "mser-5"
  }

  /// When a point has been replicated often enough.
  public struct StoppingRule: Sendable, Hashable {
    /// The key of the figure that must be precise, such as `tpot_ms.mean`.
    public var figure: String
    /// The half-width of the interval over the mean that suffices.
    public var precision: Double
    /// The most replications of a point.
    public var maximumReplications: Int
  }

  /// The study's name.
  public var name: String
  /// The file from which relative paths count.
  public var file: String
  /// The scenario before anything is varied.
  public var base: ConfigurationNode
  /// Settings of every scenario, `path.to.key=value`.
  public var overrides: [String]
  /// What is varied.
  public var axes: [StudyAxis]
  /// Which combinations are run.
  public var design = StudyDesign.grid
  /// How many points, of designs other than the grid.
  public var points = 0
  /// The seed of a random design.
  public var designSeed: UInt64 = 1
  /// Replications of each point to begin with.
  public var replications = 1
  /// How warm-ups are found.
  public var warmUp = WarmUp.scenario
  /// When replications suffice; `nil` for the given number.
  public var stop: StoppingRule?
  /// The probability with which an interval covers the true mean.
  public var confidence = 0.95
  /// Wall-clock seconds after which a run is given up; `nil` for never.
  public var timeoutSeconds: Double?

  /// A study of a scenario with what is varied on the command line.
  public init(
    name: String, file: String, base: ConfigurationNode, overrides: [String] = [],
    axes: [StudyAxis] = []
  ) {
    self.name = name
    self.file = file
    self.base = base
    self.overrides = overrides
    self.axes = axes
  }

  /// Reads a study, or a scenario as a study of one point.
  ///
  /// - Parameters:
  ///   - nameOrPath: A study file, or a scenario by name or path.
  ///   - overrides: Settings of every scenario.
  ///   - axes: What is varied beside what the file varies; an axis of the same key replaces it.
  ///   - library: Where names are looked for.
  /// - Throws: `MissingFile`, `Diagnostics`.
  public static func load(
    _ nameOrPath: String, overrides: [String] = [], axes: [StudyAxis] = [],
    library: DataLibrary = .standard
  ) throws -> Study {
    guard let path = library.path(of: nameOrPath, .scenario) else {
      throw library.missing(nameOrPath, .scenario)
    }
    var study = try StudyReader.read(try ConfigurationNode.load(path: path), file: path)
    study.overrides = overrides
    for axis in axes {
      if let index = study.axes.firstIndex(where: { $0.key == axis.key }) {
        study.axes[index] = axis
      } else {
        study.axes.append(axis)
      }
    }
    return study
  }
}
