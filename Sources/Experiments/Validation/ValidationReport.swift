// SPDX-License-Identifier: GPL-3.0-or-later

public import Serving

/// Simulated figures beside published ones, by system.
public struct ValidationReport: Codable, Sendable {
  /// What came of a case.
  public enum Verdict: String, Codable, Sendable {
    /// Simulated and published are no further apart than the tolerance.
    case within
    /// They are.
    case beyond
    /// There is no simulated value.
    case failed
  }

  /// One published figure.
  public struct Case: Codable, Sendable {
    /// The name within the system.
    public var id: String
    /// What is measured.
    public var what: String
    /// Whether it is a value, or how much one run is over another.
    public var kind: ReferenceCase.Kind
    /// The simulated value; `nil` when there is none.
    public var simulated: Double?
    /// The published value, or the low end of the published range.
    public var published: Double
    /// The high end of the published range; `nil` for a value.
    public var publishedHigh: Double?
    /// The unit.
    public var unit: String
    /// (Simulated − published) / |published|, towards the nearer end of a range and 0 within it;
    /// `nil` without a simulated value, and where 0 was published.
    public var error: Double?
    /// What came of it.
    public var verdict: Verdict
    /// The tolerance, in the form "10 %" or "± 0.02".
    public var tolerance: String
    /// Whether it counts.
    public var status: ReferenceCase.Status
    /// Why it does not count.
    public var reason: String?
    /// How near to its origin the published value was read.
    public var grade: ReferenceCase.Grade
    /// Where it is printed.
    public var source: String
    /// Why there is no simulated value.
    public var failure: String?
  }

  /// One published ranking.
  public struct Ordering: Codable, Sendable {
    /// What is ranked.
    public var what: String
    /// The figure.
    public var metric: String
    /// Whether low or high is good.
    public var better: String
    /// The runs, the best first, as published.
    public var runs: [String]
    /// Their figures, in that order; `nil` for a run that has none.
    public var simulated: [Double?]
    /// Whether each is better than the next.
    public var reproduced: Bool
    /// Where it is printed.
    public var source: String
    /// Why a run has no figure.
    public var failure: String?
  }

  /// A parameter that was fitted.
  public struct Calibration: Codable, Sendable {
    /// The scenario's key.
    public var parameter: String
    /// Its value.
    public var value: String
    /// The cases on which it was fitted.
    public var fittedOn: [String]
    /// How.
    public var how: String
  }

  /// Errors of some counted cases.
  public struct Score: Codable, Sendable {
    /// How many counted.
    public var counted: Int
    /// Of these, how many were within their tolerance.
    public var within: Int
    /// Of these, how many have no simulated value.
    public var failed: Int
    /// The median of |error|, a case that failed being further off than any; `nil` without cases, and
    /// where half of them failed.
    public var medianAbsoluteError: Double?
  }

  /// One system.
  public struct System: Codable, Sendable {
    /// Its name.
    public var name: String
    /// What it is.
    public var summary: String
    /// The publication.
    public var source: String
    /// What was fitted.
    public var calibration: [Calibration]
    /// The cases that were asked for.
    public var cases: [Case]
    /// The rankings; none when single cases were asked for.
    public var orderings: [Ordering]
    /// Over all counted cases.
    public var all: Score
    /// Over counted values.
    public var values: Score
    /// Over counted ratios.
    public var ratios: Score
    /// What the runs say that a reader must know.
    public var notices: [String]
  }

  /// A counted case that is far off.
  public struct Outlier: Codable, Sendable {
    /// The system.
    public var system: String
    /// The case.
    public var id: String
    /// Its error; `nil` when it has no simulated value.
    public var error: Double?
  }

  /// All systems, one vote each.
  public struct Summary: Codable, Sendable {
    /// Systems with counted cases.
    public var systems: Int
    /// The median over systems of their medians over all counted cases; `nil` without any.
    public var medianAbsoluteError: Double?
    /// That of their medians over counted values.
    public var medianAbsoluteErrorOfValues: Double?
    /// That of their medians over counted ratios.
    public var medianAbsoluteErrorOfRatios: Double?
    /// Rankings that came out as published.
    public var orderingsReproduced: Int
    /// Rankings in all.
    public var orderings: Int
    /// Cases that are shown, and not counted.
    public var uncounted: Int
    /// Counted cases that are off by more than ``outlierError``, the worst first.
    public var outliers: [Outlier]
  }

  /// The error beyond which a counted case is named in the summary.
  public static let outlierError = 0.2

  /// The version of this record's schema, "major.minor".
  public var schemaVersion = "1.0"
  /// The systems, by name.
  public var systems: [System]
  /// All systems together.
  public var summary: Summary
  /// All that is not deterministic.
  public var runInfo: SimulationResult.RunInfo?

  /// Whether every counted case is within its tolerance and every ranking came out as published.
  public var passes: Bool {
    systems.allSatisfy { system in
      system.all.within == system.all.counted && system.orderings.allSatisfy(\.reproduced)
    }
  }
}
