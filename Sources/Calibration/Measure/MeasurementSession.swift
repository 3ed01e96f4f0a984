// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// One run of measurements: which points are wanted, their repeats, where rows go, and how noisy they
/// were.
public final class MeasurementSession {
  /// How long and how widely to measure.
  public let settings: MeasurementSettings
  /// Where rows are from, "moesim calibrate measure, oneDNN 2.6.3"; set by whoever knows.
  public var source = "moesim calibrate measure"
  /// Points timed, in order, with the spread of their times.
  public private(set) var timed: [(row: KernelMeasurement, spread: Double)] = []
  /// Points that were there before.
  public private(set) var skipped = 0
  /// Points that were left out, with reasons.
  public private(set) var leftOut: [(reason: String, count: Int)] = []
  /// References before and after, by name.
  public private(set) var drifts: [(name: String, before: Double, after: Double)] = []

  private let known: Set<KernelMeasurement>
  private let sink: (KernelMeasurement) throws -> Void
  private let progress: (Progress) -> Void
  private let date: String
  private let begin = DriveReader.now
  private var total = 0

  /// How far a run has come.
  public struct Progress: Sendable {
    /// Points done and left out.
    public var done: Int
    /// All points.
    public var total: Int
    /// What is being timed.
    public var detail: String
  }

  /// Creates a session.
  ///
  /// - Parameters:
  ///   - existing: Rows whose points are not timed again.
  ///   - date: Today, "2026-11-25"; by default asked of the system.
  public init(
    settings: MeasurementSettings, existing: [KernelMeasurement] = [], date: String? = nil,
    progress: @escaping (Progress) -> Void = { _ in },
    sink: @escaping (KernelMeasurement) throws -> Void
  ) {
    self.settings = settings
    known = Set(existing.map(\.point))
    self.sink = sink
    self.progress = progress
    self.date = date ?? Date.now.formatted(.iso8601.year().month().day())
  }

  /// Whether no time is left.
  public var isOver: Bool {
    settings.seconds.map { DriveReader.now - begin > $0 } ?? false
  }

  /// Runs groups in turn until the time is over.
  public func run(_ groups: [MeasurementGroup]) throws {
    total += groups.reduce(0) { $0 + $1.rows.count }
    for group in groups {
      let wanted = group.rows.filter { !known.contains($0.point) }
      skipped += group.rows.count - wanted.count
      if wanted.isEmpty { continue }
      if isOver {
        leaveOut(wanted.count, because: "the time was over")
        continue
      }
      tell(group.title)
      let before = timed.count + leftOutCount
      try group.run(self, wanted)
      let missed = wanted.count - (timed.count + leftOutCount - before)
      if missed > 0 { leaveOut(missed, because: "the time was over") }
    }
  }

  private var leftOutCount: Int { leftOut.reduce(0) { $0 + $1.count } }

  private func tell(_ detail: String) {
    progress(Progress(done: timed.count + skipped + leftOutCount, total: total, detail: detail))
  }

  /// Leaves points out.
  public func leaveOut(_ count: Int, because reason: String) {
    if let place = leftOut.firstIndex(where: { $0.reason == reason }) {
      leftOut[place].count += count
    } else {
      leftOut.append((reason, count))
    }
  }

  /// Times something until it is certain or its time is up, and writes its row.
  ///
  /// What takes less than 20 µs is run several times for each sample, which is then their mean.
  ///
  /// - Returns: The median [s], or nil where the time was over before it began.
  @discardableResult
  public func measure(_ row: KernelMeasurement, _ body: () throws -> Void) throws -> Double? {
    if isOver { return nil }
    tell(row.pointText)
    // The first run pays for pages and preparation, the second tells how long one takes.
    try body()
    var started = DriveReader.now
    try body()
    let once = DriveReader.now - started
    let inner = max(1, Int((20e-6 / max(once, 1e-9)).rounded(.up)))
    let end = started + settings.secondsPerPoint
    var times: [Double] = []
    while times.count < settings.maximumRepeats {
      started = DriveReader.now
      for _ in 0..<inner { try body() }
      let now = DriveReader.now
      times.append((now - started) / Double(inner))
      if times.count >= settings.minimumRepeats, now > end || isCertain(times) { break }
    }
    return try record(row, times: times)
  }

  private func isCertain(_ times: [Double]) -> Bool {
    // Looked at when their number is 32, 64, 128...
    guard times.count >= 32, times.count & (times.count - 1) == 0 else { return false }
    return SampleStatistics(times).spread / Double(times.count).squareRoot() < settings.certainty
  }

  /// Writes the row of a point whose times were taken elsewhere.
  @discardableResult
  public func record(_ point: KernelMeasurement, times: [Double]) throws -> Double {
    let statistics = SampleStatistics(times)
    var row = point
    row.median = statistics.median
    row.minimum = statistics.minimum
    row.maximum = statistics.maximum
    row.percentile99 = statistics.percentile99
    row.repeats = statistics.count
    row.source = source
    row.date = date
    timed.append((row, statistics.spread))
    try sink(row)
    return statistics.median
  }

  /// Runs a body between two times of the same reference, by which drift of the machine is seen.
  ///
  /// - Parameter reference: Answers how long the reference took [s].
  public func withReference(
    _ name: String, _ reference: () throws -> Double, body: () throws -> Void
  ) throws {
    func median() throws -> Double {
      SampleStatistics(try (0..<5).map { _ in try reference() }).median
    }
    let before = try median()
    try body()
    drifts.append((name, before, try median()))
  }
}
