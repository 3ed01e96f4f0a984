// SPDX-License-Identifier: GPL-3.0-or-later

/// How a simulated value is formed from the figures of runs.
public indirect enum ReferenceValue: Sendable {
  /// A figure of a run, by its dotted key in the report or the name of a ``DerivedFigure``.
  case figure(run: String, metric: String)
  /// The sum of some figures of a run over the sum of others.
  case share(run: String, part: [String], whole: [String])
  /// A formula that needs no simulation.
  case formula(FormulaUse)
  /// A / B.
  case ratio(ReferenceValue, ReferenceValue)
  /// 1 − A / B: by how much A is less than B.
  case reduction(ReferenceValue, ReferenceValue)
  /// A / B − 1: by how much A is more than B.
  case gain(ReferenceValue, ReferenceValue)
  /// A − B.
  case difference(ReferenceValue, ReferenceValue)
  /// The arithmetic mean.
  case mean([ReferenceValue])
  /// The sum.
  case sum([ReferenceValue])
  /// A value times a number, for units.
  case scaled(ReferenceValue, by: Double)

  /// A formula with the values of its parameters.
  public struct FormulaUse: Sendable {
    /// The formula.
    public var formula: ReferenceFormula
    /// The run whose resolved scenario it reads, where it needs one.
    public var run: String?
    /// Its parameters in base units, by name.
    public var numbers: [String: Double]
  }

  /// Whether the value says how much one run is over another.
  var kind: ReferenceCase.Kind {
    switch self {
    case .figure, .share, .difference: .value
    case .formula(let use): use.formula.kind
    case .ratio, .reduction, .gain: .ratio
    case .mean(let parts), .sum(let parts):
      parts.contains { $0.kind == .ratio } ? .ratio : .value
    case .scaled(let value, _): value.kind
    }
  }

  /// The runs that must be simulated for it, in the order of their first mention.
  var simulatedRuns: [String] {
    switch self {
    case .figure(let run, _), .share(let run, _, _): [run]
    case .formula: []
    case .ratio(let first, let second), .reduction(let first, let second),
      .gain(let first, let second), .difference(let first, let second):
      first.simulatedRuns + second.simulatedRuns
    case .mean(let parts), .sum(let parts): parts.flatMap(\.simulatedRuns)
    case .scaled(let value, _): value.simulatedRuns
    }
  }

  /// The value.
  ///
  /// - Parameters:
  ///   - figure: A figure of a run.
  ///   - formula: The value of a formula.
  /// - Throws: What the two throw, and ``ReferenceProblem`` for a division by zero.
  func evaluate(
    figure: (_ run: String, _ metric: String) throws -> Double,
    formula: (FormulaUse) throws -> Double
  ) throws -> Double {
    func value(_ part: ReferenceValue) throws -> Double {
      try part.evaluate(figure: figure, formula: formula)
    }
    func quotient(_ first: ReferenceValue, _ second: ReferenceValue) throws -> Double {
      let (dividend, divisor) = (try value(first), try value(second))
      guard divisor != 0 else { throw ReferenceProblem("divides \(dividend) by 0") }
      return dividend / divisor
    }
    switch self {
    case .figure(let run, let metric): return try figure(run, metric)
    case .share(let run, let part, let whole):
      let total = try whole.reduce(0) { $0 + (try figure(run, $1)) }
      guard total != 0 else { throw ReferenceProblem("is a share of 0") }
      return try part.reduce(0) { $0 + (try figure(run, $1)) } / total
    case .formula(let use): return try formula(use)
    case .ratio(let first, let second): return try quotient(first, second)
    case .reduction(let first, let second): return 1 - (try quotient(first, second))
    case .gain(let first, let second): return try quotient(first, second) - 1
    case .difference(let first, let second): return try value(first) - (try value(second))
    case .mean(let parts):
      return try parts.reduce(0) { $0 + (try value($1)) } / Double(max(1, parts.count))
    case .sum(let parts): return try parts.reduce(0) { $0 + (try value($1)) }
    case .scaled(let part, let factor): return try value(part) * factor
    }
  }
}

/// Why a simulated value could not be formed.
public struct ReferenceProblem: Error, Sendable, CustomStringConvertible {
  /// The reason in a line.
  public var description: String

  /// A problem.
  public init(_ description: String) { self.description = description }
}
