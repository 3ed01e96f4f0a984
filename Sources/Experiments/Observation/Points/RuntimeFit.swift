// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// Constants of a runtime profile that were fitted to the measured points of one group.
public struct RuntimeFit: Codable, Sendable {
  /// One constant.
  public struct Value: Codable, Sendable {
    /// The key of the runtime profile.
    public var key: String
    /// Its value [s].
    public var seconds: Double
  }

  /// The group: "model/system/backend".
  public var group: String
  /// The runtime profile that is meant, by name.
  public var runtime: String
  /// The constants.
  public var values: [Value]
  /// Points of the group that took part.
  public var points: Int
  /// The median of |error| of the time per output token before.
  public var medianBefore: Double
  /// The same after.
  public var medianAfter: Double

  /// A scenario's tree with the constants laid over its runtime profile.
  func applied(to tree: ConfigurationNode) throws(Diagnostic) -> ConfigurationNode {
    var mapping = ConfigurationNode(
      .mapping([]), location: SourceLocation(origin: "the fit"), path: "runtime")
    mapping = try mapping.setting(
      "base", to: ConfigurationNode(text: runtime, origin: "the fit"), origin: "the fit")
    for value in values {
      let node = ConfigurationNode(
        .mapping([
          .init(
            key: "value", keyLocation: SourceLocation(origin: "the fit"),
            value: ConfigurationNode(
              .scalar("\(value.seconds * 1e6) us", quoted: false),
              location: SourceLocation(origin: "the fit"))),
          .init(
            key: "source", keyLocation: SourceLocation(origin: "the fit"),
            value: ConfigurationNode(text: "fitted to \(group)", origin: "the fit")),
        ]), location: SourceLocation(origin: "the fit"))
      mapping = try mapping.setting(value.key, to: node, origin: "the fit")
    }
    return try tree.setting("runtime", to: mapping, origin: "the fit")
  }

  /// Constants of which only the time to the first token tells, and where each begins [s].
  private static let beforeFirstToken = [
    "per_request": 1e-2, "per_prompt_token": 1e-5, "eager_per_layer": 1e-3,
  ]

  /// Fits constants so that the logarithms of simulated and measured times per output token agree best,
  /// and of times to the first token where a constant is of those that matter to them alone: by least
  /// squares, Gauss–Newton with steps halved until the sum falls, constants at least 0.
  ///
  /// - Parameters:
  ///   - members: the points of one group, with one runtime among them.
  ///   - keys: the constants; each begins with 100 µs, those before the first token with 10 ms a request,
  ///     10 µs a prompt token and 1 ms an eager layer.
  ///   - simulate: the simulated times with given constants; `nil` for points that do not run.
  /// - Throws: `Diagnostics` when the group has no single runtime, or nothing runs.
  static func fit(
    _ members: [PointRules.Resolved], keys: [String],
    simulate: ([PointRules.Resolved], RuntimeFit?) -> [PointStudy.Latencies?]
  ) throws -> RuntimeFit {
    let runtimes = members.compactMap { $0.tree["runtime"]?.scalar }
    guard let runtime = runtimes.first, runtimes.allSatisfy({ $0 == runtime }),
      runtimes.count == members.count
    else {
      throw Diagnostics([
        Diagnostic(location: nil, message: "the group's points have no runtime profile in common")
      ])
    }
    let unfitted = simulate(members, nil)
    let running = zip(members, unfitted).filter { $0.1 != nil }.map(\.0)
    guard running.count >= keys.count, !running.isEmpty else {
      throw Diagnostics([
        Diagnostic(
          location: nil,
          message: "\(running.count) points of the group can be simulated; a fit of \(keys.count)"
            + " constants needs as many")
      ])
    }
    let measured = running.map(\.point.tpotMs)
    let usesFirstToken = keys.contains { beforeFirstToken[$0] != nil }
    // Errors per output token come first.
    func errors(_ times: [PointStudy.Latencies?]) -> [Double] {
      var errors = zip(times, measured).map { log(($0.0?.tpotMs ?? $0.1) / $0.1) }
      if usesFirstToken {
        errors += zip(times, running.map(\.point.ttftMs)).map { log(($0.0?.ttftMs ?? $0.1) / $0.1) }
      }
      return errors
    }
    var fit = RuntimeFit(
      group: PointReport.Group.key(of: running[0].point), runtime: runtime,
      values: keys.map { Value(key: $0, seconds: beforeFirstToken[$0] ?? 1e-4) },
      points: running.count,
      medianBefore: PointReport.median(
        zip(unfitted.compactMap { $0?.tpotMs }, measured).map { abs($0.0 / $0.1 - 1) }) ?? 0,
      medianAfter: 0)
    func evaluate(_ values: [Double]) -> [Double] {
      var trial = fit
      for index in values.indices { trial.values[index].seconds = values[index] }
      return errors(simulate(running, trial))
    }
    let best = GaussNewton.minimise(from: fit.values.map(\.seconds), evaluate)
    for index in best.values.indices { fit.values[index].seconds = best.values[index] }
    fit.medianAfter =
      PointReport.median(best.residuals.prefix(running.count).map { abs(exp($0) - 1) }) ?? 0
    return fit
  }
}
