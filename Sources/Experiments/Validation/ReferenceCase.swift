// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// One published figure, and how the simulated one beside it is formed.
public struct ReferenceCase: Sendable {
  /// How near to its origin the published figure was read.
  public enum Grade: String, Codable, CaseIterable, Sendable {
    /// Printed in the paper: text, table or figure.
    case paper
    /// In the authors' repository: code, results, README.
    case repository
    /// Second-hand: notes, reviews, replications of others.
    case notes
    /// Arithmetic from figures that are printed.
    case derived
  }

  /// Whether a case counts, and why not.
  public enum Status: String, Codable, CaseIterable, Sendable {
    /// The simulation says the figure without having been told it.
    case counted
    /// A parameter was fitted on it.
    case calibrated
    /// The published value went in as it is.
    case input
    /// Shown, and not counted, for the reason that stands beside it.
    case reported
  }

  /// What a case compares.
  public enum Kind: String, Codable, CaseIterable, Sendable {
    /// A value in a unit, or a share.
    case value
    /// How much one run is over another.
    case ratio
  }

  /// How far simulated and published may be apart.
  public enum Tolerance: Sendable {
    /// A share of the published value.
    case relative(Double)
    /// So much in the case's unit.
    case absolute(Double)
  }

  /// The name within the system.
  public var id: String
  /// What is measured, in a line.
  public var what: String
  /// How the simulated value is formed.
  public var value: ReferenceValue
  /// What the case compares.
  public var kind: Kind
  /// The published value, or the range that was published; both ends alike for a value.
  public var published: ClosedRange<Double>
  /// The unit; empty for ratios.
  public var unit: String
  /// How near to its origin the value was read.
  public var grade: Grade
  /// The table, figure or file that prints it.
  public var source: String
  /// How far apart the two may be.
  public var tolerance: Tolerance
  /// Whether the case counts.
  public var status: Status
  /// Why it does not count; for the reader.
  public var reason: String?
  /// Where it stands.
  public var location: SourceLocation
}

/// A published ranking of runs by a figure.
public struct ReferenceOrdering: Sendable {
  /// What is ranked, in a line.
  public var what: String
  /// The figure.
  public var metric: String
  /// Whether low figures are good.
  public var lowerIsBetter: Bool
  /// The runs, the best first.
  public var runs: [String]
  /// The table or figure that says so.
  public var source: String
}

/// A parameter that was fitted, and on what.
public struct ReferenceCalibration: Sendable {
  /// The scenario's key.
  public var parameter: String
  /// Its value, as it is written.
  public var value: String
  /// The cases on which it was fitted: of the same file, or `system/case`.
  public var fittedOn: [String]
  /// How it was fitted, for the reader.
  public var how: String
}

/// A named simulation of a system's file.
public struct ReferenceRun: Sendable {
  /// The name within the system.
  public var name: String
  /// The scenario, resolved.
  public var scenario: Scenario
  /// What tells two simulations apart: the whole of the resolved scenario but its name.
  var fingerprint: String
}

/// The published figures of one system: a file of `reference-cases/`.
public struct ReferenceSystem: Sendable {
  /// The system's name.
  public var name: String
  /// What it is, in a line.
  public var summary: String
  /// The publication.
  public var source: String
  /// What was fitted on which cases.
  public var calibration: [ReferenceCalibration]
  /// The simulations, in the order of the file.
  public var runs: [ReferenceRun]
  /// The published figures, in the order of the file.
  public var cases: [ReferenceCase]
  /// The published rankings, in the order of the file.
  public var orderings: [ReferenceOrdering]

  /// The run of that name, if there is one.
  func run(_ name: String) -> ReferenceRun? { runs.first { $0.name == name } }
}
