// SPDX-License-Identifier: GPL-3.0-or-later

/// The parameters of a generator that makes requests like those of a trace.
///
/// Arrivals become a gamma process with the trace's rate and coefficient of variation; lengths
/// become tables of quantiles. What the generator does not keep: how burstiness varies over time,
/// how prompts and outputs depend on each other, and prefixes.
public struct WorkloadFit: Sendable {
  /// The shares at which the lengths' quantiles are kept.
  public static let shares: [Double] =
    [0, 0.01, 0.02, 0.05]
    + (2...18).map { Double($0) / 20 } + [0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 1]

  /// Requests per second.
  public let rate: Double
  /// The shape of the gaps' gamma distribution: 1 is Poisson, less is burstier.
  public let burstiness: Double
  /// Prompt lengths.
  public let prompt: EmpiricalLengths
  /// Output lengths.
  public let output: EmpiricalLengths

  /// The generator that fits a trace.
  ///
  /// - Returns: `nil` when the trace has fewer than three requests, or all at one time.
  public init?(_ statistics: WorkloadStatistics) {
    guard statistics.count >= 3, let rate = statistics.rate, let variation = statistics.gapVariation
    else { return nil }
    let prompts = Self.table { statistics.promptQuantile($0) }
    let outputs = Self.table { statistics.outputQuantile($0) }
    guard let prompt = EmpiricalLengths(quantiles: prompts),
      let output = EmpiricalLengths(quantiles: outputs)
    else { return nil }
    self.rate = rate
    // Nearly equal gaps would give a shape without bound; a variation of 1 % is as steady as any.
    burstiness = 1 / max(variation * variation, 1e-4)
    self.prompt = prompt
    self.output = output
  }

  /// The workload that the fit describes.
  public var workload: WorkloadDescription {
    WorkloadDescription(
      arrivals: .gamma(rate: rate, burstiness: burstiness),
      lengths: RequestLengths(
        prompt: LengthDistribution(.empirical(prompt)),
        output: LengthDistribution(.empirical(output))))
  }

  /// The fit as the `workload` of a scenario, in YAML.
  public var yaml: String {
    """
    workload:
      arrivals: {process: gamma, rate: \(Self.rounded(rate))/s, \
    burstiness: \(Self.rounded(burstiness))}
      lengths:
        prompt:
          distribution: empirical
          quantiles: \(Self.list(prompt))
        output:
          distribution: empirical
          quantiles: \(Self.list(output))

    """
  }

  private static func table(_ quantile: (Double) -> Int) -> [(probability: Double, value: Double)] {
    shares.map { (probability: $0, value: Double(quantile($0))) }
  }

  private static func list(_ lengths: EmpiricalLengths) -> String {
    let pairs = zip(lengths.probabilities, lengths.values).map { "[\($0), \(Int($1))]" }
    var lines: [String] = []
    for start in stride(from: 0, to: pairs.count, by: 8) {
      lines.append(pairs[start..<min(start + 8, pairs.count)].joined(separator: ", "))
    }
    return "[" + lines.joined(separator: ",\n        ") + "]"
  }

  /// Five significant digits.
  private static func rounded(_ value: Double) -> Double {
    guard value != 0, value.isFinite else { return value }
    var scale = 1.0
    while abs(value) * scale < 10_000 { scale *= 10 }
    return (value * scale).rounded() / scale
  }
}
