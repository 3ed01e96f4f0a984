// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Serving
import Testing

@testable import Reports

@Suite("Timelines")
struct ChromeTraceWriterTests {
  private static let tracks = [
    TimelineTrack(process: "gpu0", thread: "compute"),
    TimelineTrack(process: "gpu0", thread: "h2d"),
    TimelineTrack(process: "ssd0", thread: "lane 0"),
  ]

  private func slice(
    _ track: Int, _ start: UInt64, _ end: UInt64, name: String = "expert", waitedFor: Int = -1,
    layer: Int = 3, expert: Int = 7
  ) -> TimelineSlice {
    TimelineSlice(
      track: track, name: name, category: "compute", start: start, end: end, layer: layer,
      expert: expert, waitedFor: waitedFor)
  }

  private func events(_ path: String) throws -> [[String: Any]] {
    let data = try Data(contentsOf: URL(filePath: path))
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["displayTimeUnit"] as? String == "ns")
    return try #require(object["traceEvents"] as? [[String: Any]])
  }

  @Test("hold slices, names, counters, requests and arrows")
  func structure() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("run.json")
    var writer = try ChromeTraceWriter(path: path)
    writer.begin(tracks: Self.tracks)
    writer.slice(slice(1, 1_000, 1_501, name: "load \"7\""))
    writer.slice(slice(0, 1_501, 2_000, waitedFor: 0))
    writer.slice(slice(0, 2_000, 2_000, layer: -1, expert: -1))
    writer.request(number: 12, arrival: 5, scheduled: 900, firstToken: 2_000, end: 2_000)
    writer.counter(track: "gpu0", name: "resident experts", nanoseconds: 1_501, value: 12)
    let summary = try writer.finish()
    #expect(summary.slices == 3 && summary.flows == 1)
    #expect(summary.requests == 1 && summary.counters == 1)
    #expect(summary.notices.isEmpty && summary.lastNanoseconds == 2_000)

    let events = try events(path)
    let slices = events.filter { $0["ph"] as? String == "X" }
    #expect(slices.map { $0["name"] as? String } == ["load \"7\"", "expert", "expert"])
    #expect(slices.map { $0["ts"] as? Double } == [1, 1.501, 2])
    #expect(slices.map { $0["dur"] as? Double } == [0.501, 0.499, 0])
    #expect(slices[0]["args"] as? [String: Int] == ["layer": 3, "expert": 7])
    #expect(slices[2]["args"] as? [String: Int] == [:])
    let names = events.filter { $0["name"] as? String == "thread_name" }
    #expect(
      names.compactMap { ($0["args"] as? [String: String])?["name"] } == [
        "compute", "h2d", "lane 0",
      ])
    let processes = events.filter { $0["name"] as? String == "process_name" }
    #expect(
      processes.compactMap { ($0["args"] as? [String: String])?["name"] }
        == ["gpu0", "ssd0", "requests"])
    #expect(events.filter { $0["ph"] as? String == "b" }.count == 4)
    let counter = try #require(events.first { $0["ph"] as? String == "C" })
    #expect(counter["args"] as? [String: Double] == ["value": 12])

    let check = try ChromeTraceCheck(path: path)
    #expect(check.violations.isEmpty, "\(check.violations)")
    #expect(check.slices == 3 && check.tracks == 2 && check.spans == 4)
    #expect(check.flows == 1 && check.counters == 1)
  }

  @Test("write times exactly to the nanosecond", arguments: [0, 1, 999, 1_000, 86_400_000_000_001])
  func exactTimes(nanoseconds: UInt64) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("run.json")
    var writer = try ChromeTraceWriter(path: path)
    writer.begin(tracks: Self.tracks)
    writer.slice(slice(0, nanoseconds, nanoseconds + 1))
    _ = try writer.finish()
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let fraction = String(nanoseconds % 1_000)
    let padded = String(repeating: "0", count: 3 - fraction.count) + fraction
    #expect(text.contains("\"ts\":\(nanoseconds / 1_000).\(padded),\"dur\":0.001,"))
  }

  @Test("of random loads have no overlap and no loose ends", arguments: [1, 2, 3] as [UInt64])
  func randomLoads(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("run.json")
    var writer = try ChromeTraceWriter(path: path)
    writer.begin(tracks: Self.tracks)
    var generator = SplitMix(state: seed)
    var free: [UInt64] = [0, 0, 0]
    for index in 0..<400 {
      let track = Int.random(in: 0..<3, using: &generator)
      let start = free[track] + UInt64.random(in: 0..<500, using: &generator)
      let end = start + UInt64.random(in: 0..<900, using: &generator)
      free[track] = end
      let source = index > 0 ? Int.random(in: -1..<index, using: &generator) : -1
      writer.slice(slice(track, start, end, waitedFor: source))
    }
    for number in 0..<50 as Range<UInt64> {
      let times = (0..<4).map { _ in UInt64.random(in: 0..<9_000, using: &generator) }.sorted()
      writer.request(
        number: number, arrival: times[0], scheduled: times[1], firstToken: times[2],
        end: times[3])
    }
    writer.request(number: 99, arrival: 10, scheduled: .max, firstToken: 0, end: 20)
    let summary = try writer.finish()
    #expect(summary.slices == 400 && summary.overlaps == 0 && summary.flows > 20)
    let check = try ChromeTraceCheck(path: path)
    #expect(check.violations.isEmpty, "\(check.violations.prefix(5))")
    #expect(check.slices == 400 && check.flows == summary.flows)
    #expect(check.spans == 50 * 4 + 1)
  }

  @Test("put a slice that overlaps on a track of its own, and say so")
  func overlappingSlices() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("run.json")
    var writer = try ChromeTraceWriter(path: path)
    writer.begin(tracks: Self.tracks)
    writer.slice(slice(0, 0, 100))
    writer.slice(slice(0, 50, 150))
    writer.slice(slice(0, 99, 120))
    writer.slice(slice(0, 100, 130))
    let summary = try writer.finish()
    #expect(summary.overlaps == 2)
    #expect(summary.notices.first?.contains("2 slices") == true)
    let check = try ChromeTraceCheck(path: path)
    #expect(check.violations.isEmpty && check.tracks == 3 && check.slices == 4)
  }

  @Test("stop at their limit and say so")
  func limit() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("run.json")
    var writer = try ChromeTraceWriter(path: path, limit: 10)
    writer.begin(tracks: Self.tracks)
    for index in 0..<25 as Range<UInt64> {
      writer.slice(slice(0, index * 10, index * 10 + 10, waitedFor: Int(index) - 1))
    }
    writer.counter(track: "gpu0", name: "queue", nanoseconds: 100, value: 1)
    writer.counter(track: "gpu0", name: "queue", nanoseconds: 101, value: 2)
    writer.request(number: 1, arrival: 0, scheduled: 1, firstToken: 2, end: 240)
    let summary = try writer.finish()
    #expect(summary.slices == 10 && summary.dropped == 16 && summary.flows == 9)
    #expect(summary.counters == 1 && summary.requests == 1)
    let notice = try #require(summary.notices.first)
    #expect(notice.contains("first 10 slices") && notice.contains("--timeline-window"))
    let check = try ChromeTraceCheck(path: path)
    #expect(check.violations.isEmpty && check.slices == 10)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains("\"otherData\":{\"notices\":[\"the timeline is full"))
  }

  @Test("are full at a size, too")
  func size() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("run.json")
    var writer = try ChromeTraceWriter(path: path, maximumBytes: 100_000)
    writer.begin(tracks: Self.tracks)
    for index in 0..<5_000 as Range<UInt64> {
      writer.slice(slice(0, index * 10, index * 10 + 10))
      writer.counter(track: "gpu0", name: "queue", nanoseconds: index * 10, value: 1)
    }
    let summary = try writer.finish()
    let bytes = try Data(contentsOf: URL(filePath: path)).count
    #expect((100_000..<104_200).contains(bytes) && summary.dropped > 0 && summary.slices > 300)
    #expect(try ChromeTraceCheck(path: path).violations.isEmpty)
  }

  @Test("show a window of the simulated time, whole slices, and say so")
  func window() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("run.json")
    var writer = try ChromeTraceWriter(path: path, window: 95...145)
    writer.begin(tracks: Self.tracks)
    for index in 0..<25 as Range<UInt64> {
      writer.slice(slice(0, index * 10, index * 10 + 10, waitedFor: Int(index) - 1))
      writer.counter(track: "gpu0", name: "queue", nanoseconds: index * 10, value: 1)
    }
    writer.request(number: 1, arrival: 0, scheduled: 1, firstToken: 2, end: 90)
    writer.request(number: 2, arrival: 0, scheduled: 1, firstToken: 2, end: 120)
    let summary = try writer.finish()
    // 90-100 to 140-150; the arrow from before the window has no beginning.
    #expect(summary.slices == 6 && summary.flows == 5 && summary.dropped == 0)
    #expect(summary.counters == 5 && summary.requests == 1)
    #expect(summary.notices.first?.contains("0.000000145 s") == true, "\(summary.notices)")
    #expect(try ChromeTraceCheck(path: path).violations.isEmpty)
  }

  @Test(
    "that can't be written leave an error and no file",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func failures() throws {
    var writer = try ChromeTraceWriter(path: "/dev/full")
    writer.begin(tracks: Self.tracks)
    for index in 0..<2_000 as Range<UInt64> { writer.slice(slice(0, index, index + 1)) }
    let error = #expect(throws: WriteFailure.self) { try writer.finish() }
    #expect(error?.code == ENOSPC)
    let folder = try TemporaryFolder()
    do {
      var unfinished = try ChromeTraceWriter(path: folder.path("run.json"))
      unfinished.begin(tracks: Self.tracks)
      #expect(try folder.names.count == 1)
    }
    #expect(try folder.names.isEmpty)
    #expect(throws: WriteFailure.self) { _ = try ChromeTraceWriter(path: folder.path("no/run")) }
  }

  @Test(
    "are found wrong by the checker",
    arguments: [
      (
        #"{"ph":"X","pid":1,"tid":1,"ts":5,"dur":3},{"ph":"X","pid":1,"tid":1,"ts":7.999,"dur":1}"#,
        "begins before"
      ),
      (
        #"{"ph":"X","pid":1,"tid":1,"ts":5,"dur":9},{"ph":"X","pid":1,"tid":1,"ts":6,"dur":1}"#,
        "begins before"
      ),
      (#"{"ph":"X","pid":1,"tid":2,"ts":5,"dur":3}"#, "no name"),
      (#"{"ph":"X","pid":1,"tid":1,"ts":5,"dur":-3}"#, "no duration"),
      (#"{"ph":"X","pid":1,"tid":1,"dur":3}"#, "no time"),
      (#"{"ph":"b","pid":1,"cat":"r","id":"1","ts":5}"#, "never ends"),
      (#"{"ph":"e","pid":1,"cat":"r","id":"1","ts":5}"#, "without having begun"),
      (#"{"ph":"s","pid":1,"tid":1,"id":1,"ts":5}"#, "lacks one of its ends"),
      (
        #"{"ph":"X","pid":1,"tid":1,"ts":0,"dur":3},{"ph":"s","pid":1,"tid":1,"id":1,"ts":1},"#
          + #"{"ph":"f","pid":1,"tid":1,"id":1,"ts":3}"#, "in no slice"
      ),
      (#"{"ph":"C","pid":1,"name":"q","ts":1,"args":{"value":"many"}}"#, "no finite value"),
      (#"{"ph":"C","pid":1,"name":"}]","ts":1}"#, "no finite value"),
      (#"{"pid":1}"#, "no JSON object with a phase"),
    ])
  func violations(events: String, message: String) throws {
    let folder = try TemporaryFolder()
    let name = #"{"ph":"M","pid":1,"tid":1,"name":"thread_name","args":{"name":"a"}}"#
    let object = #"{"otherData":{"a":[{"ph":"X"}]},"traceEvents":[\#(name),\#(events)]}"#
    for (index, text) in [object, "[\(name),\n  \(events)]"].enumerated() {
      let path = folder.path("\(index).json")
      try OutputWriter.write(text, to: path)
      let check = try ChromeTraceCheck(path: path)
      #expect(check.violations.count == 1, "\(check.violations)")
      #expect(check.violations.first?.contains(message) == true, "\(check.violations)")
    }
    try OutputWriter.write(String(object.dropLast(2)), to: folder.path("cut.json"))
    let cut = try ChromeTraceCheck(path: folder.path("cut.json"))
    #expect(cut.violations.contains { $0.contains("file ends") })
  }

  @Test("overlap where a slow search by pairs says so", arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func overlapsByPairs(seed: UInt64) {
    var generator = SplitMix(state: seed)
    var checker = TrackChecker()
    var slices: [(start: UInt64, end: UInt64)] = []
    for _ in 0..<12 {
      let start = UInt64.random(in: 0..<60, using: &generator)
      let end = start + UInt64.random(in: 1..<8, using: &generator)
      slices.append((start, end))
      checker.add(track: "a", start: start, end: end)
      // Another track at the same times overlaps with nothing.
      if checker.trackCount == 1 { checker.add(track: "b", start: start, end: end) }
    }
    var overlaps = false
    for (index, first) in slices.enumerated() {
      for second in slices[(index + 1)...] where first.start < second.end {
        overlaps = overlaps || second.start < first.end
      }
    }
    #expect(checker.overlaps().isEmpty == !overlaps)
    #expect(checker.sliceCount == 13)
  }
}

/// A small generator for tests (Steele, Lea, Flood 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
