// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// What a file in Chrome's trace event format holds, and what a viewer would draw wrongly or not at
/// all: overlapping slices of a track, spans that don't nest, arrows that hang in the air.
public struct ChromeTraceCheck: Sendable {
  /// Slices (`X`).
  public private(set) var slices = 0
  /// Tracks that hold slices.
  public private(set) var tracks = 0
  /// Asynchronous spans (`b` with their `e`).
  public private(set) var spans = 0
  /// Counter values (`C`).
  public private(set) var counters = 0
  /// Arrows (`s` with their `f`).
  public private(set) var flows = 0
  /// Everything that is wrong, in sentences.
  public private(set) var violations: [String] = []

  /// Reads a trace, an event at a time; throws when the file can't be read.
  ///
  /// - Complexity: O(*n* log *n*) time and O(*n*) memory in the events, 16 bytes for a slice.
  public init(path: String) throws {
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    defer { try? file.close() }
    var scanner = TraceEventScanner()
    var reader = TraceEventReader()
    while let chunk = try file.read(upToCount: 1 << 18), !chunk.isEmpty {
      for byte in chunk {
        if let event = scanner.consume(byte) { reader.read(event) }
      }
    }
    if !scanner.isComplete { reader.report("the file ends within the list of events") }
    reader.finish()
    slices = reader.checker.sliceCount
    tracks = reader.checker.trackCount
    spans = reader.spans
    counters = reader.counters
    flows = reader.flows
    violations = reader.violations
  }
}

/// Cuts the objects of the event list out of a trace's bytes.
private struct TraceEventScanner {
  /// Whether the list of events, and the file with it, has been closed.
  var isComplete: Bool { depth == 0 && sawList }

  private var depth = 0
  private var isInString = false
  private var isEscaped = false
  private var sawList = false
  /// The depth within the list of events, 0 outside it.
  private var listDepth = 0
  private var text: [UInt8] = []
  private var event: [UInt8] = []

  /// The bytes of an event, when this byte is its last.
  mutating func consume(_ byte: UInt8) -> [UInt8]? {
    let isWithinEvent = listDepth > 0 && depth > listDepth
    if isWithinEvent { event.append(byte) }
    if isInString {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
      } else if depth == 1 {
        text.append(byte)
      }
      return nil
    }
    switch byte {
    case UInt8(ascii: "\""):
      isInString = true
      if depth == 1 { text.removeAll(keepingCapacity: true) }
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      depth += 1
      if byte == UInt8(ascii: "["), listDepth == 0,
        depth == 1 || depth == 2 && text == Array("traceEvents".utf8)
      {
        listDepth = depth
        sawList = true
      } else if listDepth > 0, depth == listDepth + 1 {
        event.append(byte)
      }
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      depth -= 1
      if listDepth > 0, depth == listDepth {
        defer { event.removeAll(keepingCapacity: true) }
        return event
      }
      if depth < listDepth { listDepth = 0 }
    default: break
    }
    return nil
  }
}

/// Judges the events of a trace.
private struct TraceEventReader {
  var checker = TrackChecker()
  var spans = 0
  var counters = 0
  var flows = 0
  private(set) var violations: [String] = []

  private var events = 0
  private var namedTracks: Set<String> = []
  private var usedTracks: Set<String> = []
  private var spanEvents: [String: [(isBegin: Bool, time: Int64)]] = [:]
  private var arrows: [String: Arrow] = [:]
  private var intervals: [String: [TrackChecker.Interval]] = [:]

  private struct Arrow {
    var start: (track: String, time: Int64)?
    var end: (track: String, time: Int64)?
  }

  mutating func report(_ violation: String) {
    violations.append(violation)
  }

  mutating func read(_ bytes: [UInt8]) {
    events += 1
    guard let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
      let phase = object["ph"] as? String
    else {
      report("event \(events) is no JSON object with a phase (ph)")
      return
    }
    let track = "\(object["pid"] ?? "-")/\(object["tid"] ?? "-")"
    if phase == "M" {
      if object["name"] as? String == "thread_name" { namedTracks.insert(track) }
      return
    }
    guard let time = nanoseconds(object["ts"]), time >= 0 else {
      report("event \(events) (\(phase)) has no time (ts) of 0 or more")
      return
    }
    switch phase {
    case "X": readSlice(object, track: track, time: time)
    case "b", "e": readSpanEnd(object, isBegin: phase == "b", time: time)
    case "s", "f": readArrowEnd(object, isStart: phase == "s", track: track, time: time)
    case "C":
      counters += 1
      let values = (object["args"] as? [String: Any])?.values.map { $0 as? Double } ?? []
      if values.isEmpty || !values.allSatisfy({ $0?.isFinite == true }) {
        report("counter event \(events) has no finite value")
      }
    default: break
    }
  }

  private func nanoseconds(_ value: Any?) -> Int64? {
    guard let microseconds = value as? Double, microseconds.magnitude < 9e15 else { return nil }
    return Int64((microseconds * 1000).rounded())
  }

  private mutating func readSlice(_ object: [String: Any], track: String, time: Int64) {
    guard let duration = nanoseconds(object["dur"]), duration >= 0 else {
      report("slice event \(events) has no duration (dur) of 0 or more")
      return
    }
    usedTracks.insert(track)
    let interval = TrackChecker.Interval(start: UInt64(time), end: UInt64(time + duration))
    checker.add(track: track, start: interval.start, end: interval.end)
    intervals[track, default: []].append(interval)
  }

  private mutating func readSpanEnd(_ object: [String: Any], isBegin: Bool, time: Int64) {
    let key = "\(object["pid"] ?? "-")/\(object["cat"] ?? "-")/\(object["id"] ?? "-")"
    spanEvents[key, default: []].append((isBegin, time))
    if isBegin { spans += 1 }
  }

  private mutating func readArrowEnd(
    _ object: [String: Any], isStart: Bool, track: String, time: Int64
  ) {
    let key = "\(object["cat"] ?? "-")/\(object["id"] ?? "-")"
    if isStart {
      if arrows[key]?.start != nil { report("arrow \(key) starts twice") }
      arrows[key, default: Arrow()].start = (track, time)
      flows += 1
    } else {
      arrows[key, default: Arrow()].end = (track, time)
    }
  }

  mutating func finish() {
    for overlap in checker.overlaps() { report(overlap.description) }
    for track in usedTracks.subtracting(namedTracks).sorted() {
      report("track \(track) has slices and no name")
    }
    for (key, events) in spanEvents.sorted(by: { $0.key < $1.key }) {
      checkNesting(events, of: key)
    }
    for track in intervals.keys.sorted() { intervals[track]?.sort { $0.start < $1.start } }
    for (key, arrow) in arrows.sorted(by: { $0.key < $1.key }) {
      checkArrow(arrow, named: key)
    }
  }

  private mutating func checkNesting(_ events: [(isBegin: Bool, time: Int64)], of key: String) {
    // As viewers do: by time, and in the order of the file within an instant.
    let sorted = events.enumerated().sorted {
      ($0.element.time, $0.offset) < ($1.element.time, $1.offset)
    }
    var depth = 0
    for (_, event) in sorted {
      depth += event.isBegin ? 1 : -1
      if depth < 0 {
        report("span \(key) ends at \(event.time) ns without having begun")
        return
      }
    }
    if depth > 0 { report("span \(key) never ends") }
  }

  private mutating func checkArrow(_ arrow: Arrow, named key: String) {
    guard let start = arrow.start, let end = arrow.end else {
      report("arrow \(key) lacks one of its ends")
      return
    }
    if start.time > end.time { report("arrow \(key) leads back in time") }
    for (place, point) in [("start", start), ("end", end)] where !isWithinSlice(point) {
      report("the \(place) of arrow \(key) at \(point.time) ns is in no slice of its track")
    }
  }

  private func isWithinSlice(_ point: (track: String, time: Int64)) -> Bool {
    guard let slices = intervals[point.track] else { return false }
    let time = UInt64(point.time)
    var low = 0
    var high = slices.count
    while low < high {
      let middle = (low + high) / 2
      if slices[middle].start <= time { low = middle + 1 } else { high = middle }
    }
    // Slices of no duration may share the instant with the one that contains it.
    while low > 0 {
      low -= 1
      let slice = slices[low]
      if time < slice.end || slice.start == time { return true }
      if slice.start < time { return false }
    }
    return false
  }
}
