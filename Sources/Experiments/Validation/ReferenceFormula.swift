// SPDX-License-Identifier: GPL-3.0-or-later

public import Serving
public import Units

/// A named function of a resolved scenario and some numbers, for cases that no run answers: what a
/// publication computes by its own equations.
///
/// A new one is a file in `Formulas/` and a line in ``all``.
public struct ReferenceFormula: Sendable {
  /// A number that the formula takes.
  public struct Parameter: Sendable {
    /// The key.
    public var name: String
    /// What it measures; the formula gets it in base units.
    public var dimension: Dimension
    /// What it is, in a line.
    public var summary: String
    /// What it is where it is left out; required if `nil`.
    public var standard: Double?

    /// A parameter.
    public init(
      _ name: String, _ dimension: Dimension, _ summary: String, standard: Double? = nil
    ) {
      self.name = name
      self.dimension = dimension
      self.summary = summary
      self.standard = standard
    }
  }

  /// What a formula may read.
  public struct Context: Sendable {
    /// The resolved scenario of the run that the value names: machine, model, precisions, timing.
    let configuration: ServingConfiguration?
    /// The parameters in base units.
    let numbers: [String: Double]

    /// The parameter of that name in base units.
    ///
    /// - Precondition: The formula declares it.
    public subscript(name: String) -> Double {
      guard let value = numbers[name] else {
        preconditionFailure("A formula reads parameters that it declares; '\(name)' is none.")
      }
      return value
    }

    /// The resolved scenario.
    ///
    /// - Precondition: The formula declares that it needs a run.
    public var setting: ServingConfiguration {
      guard let configuration else {
        preconditionFailure("A formula that reads a scenario declares that it needs a run.")
      }
      return configuration
    }
  }

  /// The name by which case files call it.
  public var name: String
  /// What it computes, with its unit and source, in a line.
  public var summary: String
  /// Whether it reads a run's scenario.
  public var needsRun: Bool
  /// What its result is.
  public var kind: ReferenceCase.Kind
  /// The numbers that it takes.
  public var parameters: [Parameter]
  /// The result in the unit that `summary` says.
  public var evaluate: @Sendable (Context) throws -> Double

  /// A formula.
  public init(
    name: String, summary: String, needsRun: Bool, kind: ReferenceCase.Kind = .value,
    parameters: [Parameter] = [], evaluate: @escaping @Sendable (Context) throws -> Double
  ) {
    self.name = name
    self.summary = summary
    self.needsRun = needsRun
    self.kind = kind
    self.parameters = parameters
    self.evaluate = evaluate
  }

  /// Every formula.
  public static let all: [ReferenceFormula] =
    [
      .expertTransfer, .streamedModel, .parameters, .activeParameters, .layerExpertMegabytes,
      .productTime, .expertsTime,
    ] + layerKernels + optimiser + moeCap
}
