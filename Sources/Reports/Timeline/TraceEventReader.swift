// SPDX-License-Identifier: GPL-3.0-or-later

/// Judges the events of a trace.
struct TraceEventReader {
  var checker = TrackChecker()
  var spans = 0
  var counters = 0
  var flows = 0
  private(set) var violationCount = 0
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
    violationCount += 1
    if violationCount <= 100 { violations.append(violation) }
  }

  mutating func read(_ bytes: [UInt8]) {
    events += 1
    guard let event = TraceEventFields(bytes), let phase = event["ph"] else {
      report("event \(events) is no JSON object with a phase (ph)")
      return
    }
    let track = "\(event["pid"] ?? "-")/\(event["tid"] ?? "-")"
    if phase == "M" {
      if event["name"] == "thread_name" { namedTracks.insert(track) }
      return
    }
    guard let time = nanoseconds(event["ts"]), time >= 0 else {
      report("event \(events) (\(phase)) has no time (ts) of 0 or more")
      return
    }
    switch phase {
    case "X": readSlice(event, track: track, time: time)
    case "b", "e": readSpanEnd(event, isBegin: phase == "b", time: time)
    case "s", "f": readArrowEnd(event, isStart: phase == "s", track: track, time: time)
    case "C": readCounter(event)
    default: break
    }
  }

  private func nanoseconds(_ text: String?) -> Int64? {
    guard let microseconds = text.flatMap({ Double($0) }), microseconds.magnitude < 4e15 else {
      return nil
    }
    return Int64((microseconds * 1000).rounded())
  }

  private mutating func readCounter(_ event: TraceEventFields) {
    counters += 1
    let values = event["args"].flatMap { TraceEventFields(Array($0.utf8)) }?.fields ?? []
    if values.isEmpty || !values.allSatisfy({ Double($0.value)?.isFinite == true }) {
      report("counter event \(events) has no finite value")
    }
  }

  private mutating func readSlice(_ event: TraceEventFields, track: String, time: Int64) {
    guard let duration = nanoseconds(event["dur"]), duration >= 0 else {
      report("slice event \(events) has no duration (dur) of 0 or more")
      return
    }
    usedTracks.insert(track)
    let interval = TrackChecker.Interval(start: UInt64(time), end: UInt64(time + duration))
    checker.add(track: track, start: interval.start, end: interval.end)
  }

  private mutating func readSpanEnd(_ event: TraceEventFields, isBegin: Bool, time: Int64) {
    let key = "\(event["pid"] ?? "-")/\(event["cat"] ?? "-")/\(event["id"] ?? "-")"
    spanEvents[key, default: []].append((isBegin, time))
    if isBegin { spans += 1 }
  }

  private mutating func readArrowEnd(
    _ event: TraceEventFields, isStart: Bool, track: String, time: Int64
  ) {
    let key = "\(event["cat"] ?? "-")/\(event["id"] ?? "-")"
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
    intervals = checker.sortedIntervals()
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
