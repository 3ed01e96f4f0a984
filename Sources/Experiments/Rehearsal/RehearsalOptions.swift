// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration

/// How a scenario is rehearsed.
public struct RehearsalOptions: Sendable {
  /// Who decides what is fetched and evicted.
  public enum Decisions: String, Sendable, CaseIterable {
    /// `live` for policies that fetch on demand alone, else `simulated`.
    case auto
    /// The execution, with the same rule on a tier of its own.
    case live
    /// The simulation, whose decisions are followed.
    case simulated
  }

  /// How the machine is used.
  public var settings = RehearsalSettings()
  /// What may be used of it.
  public var budget = RehearsalBudget()
  /// Who decides.
  public var decisions = Decisions.auto
  /// The folder of the file of experts.
  public var folder: String
  /// Whether that file stays, for the next run.
  public var keepsFile = false
  /// Rows of earlier measurements from which the processor's timing and the drive's rate are taken,
  /// instead of those of the scenario's hardware.
  public var timings: [KernelMeasurement]?
  /// How often it is repeated at most when the machine drifts.
  public var repeats = 2
  /// The drift above which it is repeated.
  public var driftLimit = 0.15
  /// Seconds for each kernel of the measurements before and after.
  public var measuringSeconds = 0.4
  /// The processor's name in measurements.
  public var device = "this processor"
  /// The date that measurements carry.
  public var date: String?

  /// Plain options.
  public init(folder: String) { self.folder = folder }
}

/// What of a machine a rehearsal may use.
public struct RehearsalBudget: Sendable, Equatable {
  /// The file of experts [bytes].
  public var disk: Int64 = 8 << 30
  /// Weights, cache, keys and values [bytes].
  public var memory: Int64 = 6 << 30
  /// The execution, with its measurements and the writing of the file [s].
  public var seconds = 120.0

  /// 8 GiB of disk, 6 GiB of memory, two minutes.
  public init() {}
}
