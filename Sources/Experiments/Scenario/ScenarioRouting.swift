// SPDX-License-Identifier: GPL-3.0-or-later

/// Where expert choices come from.
public struct ScenarioRouting: Sendable {
  /// The source of expert choices.
  public enum Source: Sendable {
    /// A generator, by the file of its parameters or with parameters that the scenario carries.
    case generator(ScenarioReference)
    /// A recorded trace.
    case trace(Trace)
  }

  /// A recorded trace and what its format does not say.
  public struct Trace: Sendable {
    /// The path, resolved.
    public var path: String
    /// The format, where it is not to be recognised.
    public var format: String?
    /// The path of the index, where the format has one.
    public var index: String?
    /// MoE layers, where the format does not say.
    public var layers: Int?
    /// Experts of a layer, where the format does not say.
    public var experts: Int?
    /// Choices of a token, where the format does not say.
    public var topK: Int?
  }

  /// The source.
  public var source: Source
  /// Whether the source is the one for any model, because nothing is known of this one.
  public var isAssumed: Bool
  /// Whether requests are paired with recorded sequences at random rather than in order.
  public var pairsAtRandom: Bool
  /// Whether a trace that has run out stops the run, rather than beginning again.
  public var stopsWhenExhausted: Bool
}
