// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Throughput against concurrency, measured and simulated, and the knee of both.
///
/// In a closed loop of N requests that are always under way, requests a second are N over the mean time
/// from begin to end (Little's law), and that is the time to the first token and the time of each
/// further one: X = N · output / (ttft + (output − 1) · tpot), from the means of either side alike.
///
/// The *knee* is the concurrency at which doubling N gives less than √2 times the throughput: where the
/// elasticity d ln X/d ln N, taken between neighbouring concurrencies, falls below one half. It lies
/// where a straight line between the elasticities at the geometric middles of two neighbouring
/// intervals crosses one half; in the first interval, at its middle. Where it never falls that far, the
/// knee is beyond the largest concurrency.
public struct ThroughputCurve: Codable, Sendable {
  /// One concurrency.
  public struct Step: Codable, Sendable {
    /// Requests under way.
    public var concurrency: Int
    /// Measured output tokens a second and GPU.
    public var measured: Double
    /// Simulated ones.
    public var simulated: Double
  }

  /// What is served where, and how.
  public var name: String
  /// By concurrency.
  public var steps: [Step]
  /// The concurrency of the measured knee; `nil` beyond the largest.
  public var measuredKnee: Double?
  /// That of the simulated knee.
  public var simulatedKnee: Double?
  /// Whether both knees lie within a factor of two, or both beyond the largest concurrency; a knee within
  /// a factor of √2 of the largest agrees with one beyond it.
  public var agrees: Bool

  /// The curves of at least four concurrencies among points.
  static func curves(_ points: [PointReport.Point]) -> [ThroughputCurve] {
    var names: [String] = []
    var members: [String: [PointReport.Point]] = [:]
    for point in points {
      let name =
        "\(point.model) \(point.system) \(point.backend) \(point.version) \(point.precision)"
        + " \(point.plan) \(point.prompt)+\(point.output)"
      if members[name] == nil { names.append(name) }
      members[name, default: []].append(point)
    }
    return names.compactMap { name in
      // Of measurements repeated at one concurrency, the first.
      var steps: [Step] = []
      for point in members[name] ?? []
      where !steps.contains(where: { $0.concurrency == point.concurrency }) {
        steps.append(Step(point))
      }
      guard steps.count >= 4 else { return nil }
      return ThroughputCurve(name: name, steps: steps.sorted { $0.concurrency < $1.concurrency })
    }
  }

  /// A curve over ascending concurrencies.
  init(name: String, steps: [Step]) {
    self.name = name
    self.steps = steps
    measuredKnee = Self.knee(steps.map { (Double($0.concurrency), $0.measured) })
    simulatedKnee = Self.knee(steps.map { (Double($0.concurrency), $0.simulated) })
    let last = Double(steps.last?.concurrency ?? 1)
    switch (measuredKnee, simulatedKnee) {
    case (nil, nil): agrees = true
    case (let first?, let second?): agrees = max(first, second) <= 2 * min(first, second)
    case (let knee?, nil), (nil, let knee?): agrees = knee >= last / 2.0.squareRoot()
    }
  }

  /// The knee of throughputs over ascending concurrencies; `nil` beyond the largest.
  static func knee(_ curve: [(concurrency: Double, throughput: Double)]) -> Double? {
    var before: (place: Double, slope: Double)?
    for (low, high) in zip(curve, curve.dropFirst()) {
      let (start, end) = (log(low.concurrency), log(high.concurrency))
      guard end > start else { continue }
      let slope = (log(high.throughput) - log(low.throughput)) / (end - start)
      let place = (start + end) / 2
      if slope < 0.5 {
        guard let before else { return exp(place) }
        return exp(
          before.place + (before.slope - 0.5) / (before.slope - slope) * (place - before.place))
      }
      before = (place, slope)
    }
    return nil
  }
}

extension ThroughputCurve.Step {
  init(_ point: PointReport.Point) {
    concurrency = point.concurrency
    func rate(_ ttft: Double, _ tpot: Double) -> Double {
      let output = Double(point.output)
      return 1e3 * Double(point.concurrency) * output / (ttft + (output - 1) * tpot)
        / Double(point.devices)
    }
    measured = rate(point.measuredTtftMs, point.measuredTpotMs)
    simulated = rate(point.simulatedTtftMs, point.simulatedTpotMs)
  }
}
