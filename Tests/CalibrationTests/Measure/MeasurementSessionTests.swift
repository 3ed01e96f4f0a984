// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Calibration

@Suite struct MeasurementSessionTests {
  static func settings(seconds: Double? = nil) -> MeasurementSettings {
    var settings = MeasurementSettings(machine: MachineDescription.current(), isQuick: true)
    settings.seconds = seconds
    settings.secondsPerPoint = 0.002
    settings.minimumRepeats = 3
    return settings
  }

  static func group(_ sizes: [Int], _ body: @escaping (Int) -> Void) -> MeasurementGroup {
    MeasurementGroup(title: "sums", rows: sizes.map { MeasurementLogTests.row($0).point }) {
      session, wanted in
      for row in wanted { try session.measure(row) { body(row.bytes ?? 0) } }
    }
  }

  @Test("Points that are there are not timed again, whoever measured them and when")
  func skipsKnownPoints() throws {
    var rows: [KernelMeasurement] = []
    var known = MeasurementLogTests.row(2)
    known.date = "2020-01-01"
    known.source = "another"
    known.percentile99 = 3
    let session = MeasurementSession(
      settings: Self.settings(), existing: [known], date: "2026-11-25", sink: { rows.append($0) })
    session.source = "here"
    var calls: [Int: Int] = [:]
    try session.run([Self.group([1, 2, 3]) { calls[$0, default: 0] += 1 }])
    #expect(rows.map(\.bytes) == [1, 3])
    #expect(session.skipped == 1)
    #expect(calls[2] == nil && calls[1]! >= 5)
    for row in rows {
      #expect(row.minimum! <= row.median && row.median <= row.maximum! && row.minimum! > 0)
      #expect(row.repeats! >= 3)
      #expect(row.source == "here" && row.date == "2026-11-25")
    }
  }

  @Test("Nothing is begun after the time is over, and what is left out is counted")
  func stopsInTime() throws {
    var rows: [KernelMeasurement] = []
    let session = MeasurementSession(
      settings: Self.settings(seconds: 0.05), sink: { rows.append($0) })
    try session.run([
      Self.group([1, 2]) { if $0 == 1 { Thread.sleep(forTimeInterval: 0.03) } },
      Self.group([3, 4, 5]) { _ in },
    ])
    #expect(rows.map(\.bytes) == [1])
    #expect(session.leftOut.map(\.count) == [4])
    #expect(session.summary().contains { $0.contains("4 left out: the time was over") })
  }

  @Test("Statistics of times are those of their order")
  func summarises() {
    let statistics = SampleStatistics([5, 1, 4, 2])
    #expect(statistics.median == 3)
    #expect(statistics.minimum == 1 && statistics.maximum == 5 && statistics.count == 4)
    #expect(statistics.percentile99 == nil)
    let hundred = SampleStatistics((1...200).map(Double.init))
    #expect(hundred.median == 100.5)
    #expect(hundred.percentile99 == 199)
    #expect(abs(hundred.spread - 100 / 100.5) < 1e-12)
    #expect(SampleStatistics([7]).spread == 0)
  }

  @Test("A reference that takes longer afterwards is told of as drift")
  func tellsOfDrift() throws {
    let session = MeasurementSession(settings: Self.settings(), sink: { _ in })
    var times = [1.0, 1, 1, 1, 1, 1.5, 1.5, 1.5, 1.5, 1.5][...]
    try session.withReference("it", { times.removeFirst() }, body: {})
    let line = session.summary().first { $0.hasPrefix("drift") }
    #expect(line?.contains("50.0 %") == true)
    #expect(line?.contains("not steady") == true)
  }
}
