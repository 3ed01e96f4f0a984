// SPDX-License-Identifier: GPL-3.0-or-later

import Serving

/// Measured serving points beside simulated ones.
public struct PointReport: Codable, Sendable {
  /// One point.
  public struct Point: Codable, Sendable {
    /// The table's name for it.
    public var id: String
    /// The line of the table.
    public var line: Int
    /// The model's repository.
    public var model: String
    /// The machine, in the table's words.
    public var system: String
    /// The server.
    public var backend: String
    /// Its version.
    public var version: String
    /// The label of the precision.
    public var precision: String
    /// How the replica was spread, "TP4 EP4".
    public var plan: String
    /// Its GPUs.
    public var devices: Int
    /// Tokens of a prompt, nominally.
    public var prompt: Int
    /// Tokens of an output, nominally.
    public var output: Int
    /// Requests under way.
    public var concurrency: Int
    /// The measured mean time to the first token [ms].
    public var measuredTtftMs: Double
    /// The simulated one [ms].
    public var simulatedTtftMs: Double
    /// The measured mean time of each further token [ms].
    public var measuredTpotMs: Double
    /// The simulated one [ms].
    public var simulatedTpotMs: Double
    /// simulated / measured − 1 of the time to the first token.
    public var ttftError: Double
    /// The same of the time of each further token.
    public var tpotError: Double
    /// Whether the machine's kernels were carried over from another.
    public var isTransferred: Bool
    /// Whether runtime constants were fitted to its group.
    public var isFitted: Bool
  }

  /// The errors of several points.
  public struct Group: Codable, Sendable {
    /// What they have in common: "model/system/backend", a system, "calibrated", "transferred".
    public var name: String
    /// How many.
    public var points: Int
    /// The median of |error| of the time per output token.
    public var medianTpotError: Double
    /// The same of the time to the first token.
    public var medianTtftError: Double
    /// The median of the signed error, positive where the simulation is slower.
    public var biasTpot: Double
    /// The same of the time to the first token.
    public var biasTtft: Double
    /// Whether kernels were carried over.
    public var isTransferred: Bool
    /// Whether runtime constants were fitted to it.
    public var isFitted: Bool

    /// The group of a point.
    static func key(of point: ServingPoint) -> String {
      "\(point.model)/\(point.system)/\(point.backend)"
    }
  }

  /// Points that are not simulated, for one reason.
  public struct Refusal: Codable, Sendable {
    /// Why.
    public var reason: String
    /// How many.
    public var points: Int
    /// The first of them.
    public var example: String
  }

  /// The points, those with the largest error of either latency first.
  public var points: [Point] = []
  /// Groups by model, system and server, in the order of the table.
  public var groups: [Group] = []
  /// Systems, and calibrated and transferred kernels as wholes; points of a fitted group not counted.
  public var summaries: [Group] = []
  /// Throughput against concurrency.
  public var curves: [ThroughputCurve] = []
  /// What is not simulated, the most frequent reason first.
  public var refusals: [Refusal] = []
  /// Points of disaggregated deployments, which are no matter of this study.
  public var disaggregated = 0
  /// Measurements that stand in the table more than once; each is counted once.
  public var duplicates = 0
  /// What was fitted.
  public var fit: RuntimeFit?

  /// Nothing yet.
  public init() {}
}

extension PointReport.Point {
  init(_ found: PointRules.Resolved, _ latencies: PointStudy.Latencies, isFitted: Bool) {
    let point = found.point
    self.init(
      id: point.id, line: point.line, model: point.model, system: point.system,
      backend: point.backend, version: point.version, precision: point.precision,
      plan: found.plan.label, devices: found.plan.devices, prompt: point.prompt,
      output: point.output, concurrency: point.concurrency ?? 0, measuredTtftMs: point.ttftMs,
      simulatedTtftMs: latencies.ttftMs, measuredTpotMs: point.tpotMs,
      simulatedTpotMs: latencies.tpotMs, ttftError: latencies.ttftMs / point.ttftMs - 1,
      tpotError: latencies.tpotMs / point.tpotMs - 1, isTransferred: found.isTransferred,
      isFitted: isFitted)
  }

  /// Model, system and server.
  var group: String { "\(model)/\(system)/\(backend)" }

  /// The larger of the two errors.
  var worst: Double {
    max(abs(ttftError), abs(tpotError))
  }
}

extension PointReport {
  /// Counts a point that is not simulated.
  mutating func refuse(_ point: ServingPoint, _ reason: String) {
    if let index = refusals.firstIndex(where: { $0.reason == reason }) {
      refusals[index].points += 1
    } else {
      refusals.append(Refusal(reason: reason, points: 1, example: point.id))
    }
  }

  /// Makes groups, summaries and curves of the points, and sorts.
  mutating func summarise() {
    curves = ThroughputCurve.curves(points)
    groups = Self.names(points.map(\.group)).map { name in
      Group(name, points.filter { $0.group == name })
    }
    let judged = points.filter { !$0.isFitted }
    summaries = Self.names(judged.map(\.system)).map { system in
      Group(system, judged.filter { $0.system == system })
    }
    for isTransferred in [false, true] {
      let members = judged.filter { $0.isTransferred == isTransferred }
      if !members.isEmpty {
        summaries.append(Group(isTransferred ? "transferred" : "calibrated", members))
      }
    }
    // Equal errors stay in the order of the table.
    points = points.enumerated().sorted { first, second in
      let errors = (first.element.worst, second.element.worst)
      return errors.0 != errors.1 ? errors.0 > errors.1 : first.offset < second.offset
    }.map(\.element)
    refusals = refusals.enumerated().sorted { first, second in
      first.element.points != second.element.points
        ? first.element.points > second.element.points : first.offset < second.offset
    }.map(\.element)
  }

  /// Names, each once, in their order.
  private static func names(_ all: [String]) -> [String] {
    var seen: Set<String> = []
    return all.filter { seen.insert($0).inserted }
  }

  /// The median: the middle value, or the mean of the two; `nil` of nothing.
  static func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

extension PointReport.Group {
  /// The errors of points, of which there are some.
  init(_ name: String, _ points: [PointReport.Point]) {
    func median(_ value: (PointReport.Point) -> Double) -> Double {
      PointReport.median(points.map(value)) ?? .nan
    }
    self.init(
      name: name, points: points.count, medianTpotError: median { abs($0.tpotError) },
      medianTtftError: median { abs($0.ttftError) }, biasTpot: median(\.tpotError),
      biasTtft: median(\.ttftError), isTransferred: points.contains(where: \.isTransferred),
      isFitted: points.contains(where: \.isFitted))
  }
}
