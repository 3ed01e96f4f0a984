// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Serving
import Testing

@testable import Reports

@Suite("Windows of timelines")
struct TimelineWindowTests {
  private static let tracks = [
    TimelineTrack(process: "gpu0", thread: "compute"),
    TimelineTrack(process: "gpu0", thread: "h2d"),
    TimelineTrack(process: "ssd0", thread: "lane 0"),
  ]

  /// A trace in which computing waits for a load, ten times, 100 ns each.
  private func trace(_ folder: TemporaryFolder) throws -> String {
    let path = folder.path("trace.json")
    var writer = try ChromeTraceWriter(path: path)
    writer.begin(tracks: Self.tracks)
    for turn in 0..<10 {
      let start = UInt64(turn * 100)
      writer.slice(
        TimelineSlice(
          track: 1, name: "load \"\(turn % 2)\"", category: "load", start: start, end: start + 60,
          layer: turn, expert: 3, waitedFor: -1))
      writer.slice(
        TimelineSlice(
          track: 0, name: "expert", category: "compute", start: start + 60, end: start + 100,
          layer: turn, expert: -1, waitedFor: turn * 2))
      writer.counter(track: "gpu0", name: "resident", nanoseconds: start, value: Double(turn))
      writer.counter(track: "serving", name: "waiting", nanoseconds: start, value: 1)
    }
    _ = try writer.finish()
    return path
  }

  @Test("hold what lies in them: slices, arrows, counters, and lanes in use")
  func cut() throws {
    let folder = try TemporaryFolder()
    let window = try TimelineWindow(path: try trace(folder), from: 250e-9, to: 450e-9)
    #expect(window.from == 250 && window.to == 450 && window.note == nil)
    // The load that ends at 260 and what ends at 300 lie in it, and so does what begins at 400.
    #expect(window.slices.map(\.start) == [200, 260, 300, 360, 400])
    #expect(window.names == ["load \"0\"", "expert", "load \"1\""])
    #expect(window.slices.map(\.layer) == [2, 2, 3, 3, 4])
    #expect(window.slices.map(\.expert) == [3, -1, 3, -1, 3])
    #expect(window.slices.map(\.waitedFor) == [-1, 0, -1, 2, -1])
    let used = window.tracks.map { "\($0.process)/\($0.thread)" }
    #expect(used == ["gpu0/compute", "gpu0/h2d", "serving/"])
    // The value at the beginning is that of before.
    #expect(window.counters.map(\.track) == [0, 2])
    #expect(window.counters[0].times == [200, 300, 400])
    #expect(window.counters[0].values == [2, 3, 4])
  }

  @Test("end before the first slice that has no room, and say so")
  func limit() throws {
    let folder = try TemporaryFolder()
    let window = try TimelineWindow(path: try trace(folder), limit: 5)
    #expect(window.slices.count == 5 && window.from == 0 && window.to == 260)
    #expect(window.note?.contains("15 more") == true)
  }

  @Test("are refused where nothing lies in them, or the file is no timeline")
  func refused() throws {
    let folder = try TemporaryFolder()
    let path = try trace(folder)
    let empty = #expect(throws: TimelineWindow.Problem.self) {
      try TimelineWindow(path: path, from: 5, to: 6)
    }
    #expect(empty?.message.contains("no slice from 5.0 to 6.0 s") == true)
    try "{\"a\": 1}".write(toFile: path, atomically: true, encoding: .utf8)
    let other = #expect(throws: TimelineWindow.Problem.self) { try TimelineWindow(path: path) }
    #expect(other?.message.contains("is no timeline") == true)
  }
}
