// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Records

extension TimelineWindow {
  /// Cuts a window out of a trace that `simulate --timeline` wrote.
  ///
  /// Events are read one after another, so that memory grows with the window and not with the
  /// trace.
  /// Where more slices than `limit` lie in the window, it ends before the first that has no room.
  ///
  /// - Parameters:
  ///   - path: The trace.
  ///   - from: The begin of the window [s]; the trace's first slice without it.
  ///   - to: The end of the window [s]; the trace's end without it.
  ///   - limit: Slices at most.
  /// - Throws: A ``Problem`` where the file is no trace or nothing lies in the window; what reading
  ///   throws.
  public init(
    path: String, from: Double? = nil, to: Double? = nil, limit: Int = Self.usualLimit
  ) throws {
    precondition(limit > 0, "A window holds at least one slice.")
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    defer { try? file.close() }
    var reader = TimelineWindowReader(
      from: from.map { Int64(($0 * 1e9).rounded()) } ?? .min,
      to: to.map { Int64(($0 * 1e9).rounded()) } ?? .max, limit: limit)
    var scanner = TraceEventScanner()
    while let chunk = try file.read(upToCount: 1 << 18), !chunk.isEmpty {
      for byte in chunk {
        if let event = scanner.consume(byte) { reader.read(event) }
      }
    }
    guard scanner.isComplete, reader.events > 0 else {
      throw Problem(
        path: path,
        message: "is no timeline; expected what 'moesim simulate --timeline FILE' writes")
    }
    self = reader.window
    guard reader.firstStart <= reader.lastEnd else {
      throw Problem(path: path, message: "is a timeline without a slice")
    }
    guard !slices.isEmpty else {
      let asked =
        "from \(from.map { "\($0)" } ?? "its begin") to \(to.map { "\($0)" } ?? "its end")"
      let first = FigureText.number(Double(reader.firstStart) / 1e9)
      let last = FigureText.number(Double(reader.lastEnd) / 1e9)
      throw Problem(
        path: path,
        message: "has no slice \(asked) s; its slices lie between \(first) and \(last) s")
    }
  }
}

/// Collects what lies in a window, event by event.
private struct TimelineWindowReader {
  let from: Int64
  let to: Int64
  let limit: Int
  var events = 0
  var lastEnd: Int64 = 0
  var firstStart = Int64.max

  private var processNames: [String: String] = [:]
  private var threadNames: [String: (process: String, name: String)] = [:]
  private var trackOrder: [String] = []
  private var slices: [(slice: TimelineWindow.Slice, track: String)] = []
  private var untold = 0
  private var firstUntold = Int64.max
  private var nameNumbers: [String: Int] = [:]
  private var names: [String] = []
  private var categoryNumbers: [String: Int] = [:]
  private var categories: [String] = []
  private var counterNumbers: [String: Int] = [:]
  private var counters: [(process: String, counter: TimelineWindow.Counter)] = []
  private var arrowStarts: [String: (track: String, time: Int64)] = [:]
  private var arrows: [(track: String, time: Int64, sink: (track: String, time: Int64))] = []
  /// Slices by track and start, to which arrows are bound.
  private var byTrack: [String: [Int]] = [:]

  init(from: Int64, to: Int64, limit: Int) {
    self.from = from
    self.to = to
    self.limit = limit
  }

  mutating func read(_ bytes: [UInt8]) {
    guard let event = TraceEventFields(bytes), let phase = event["ph"] else { return }
    events += 1
    let process = event["pid"] ?? "-"
    let track = "\(process)/\(event["tid"] ?? "-")"
    switch phase {
    case "M":
      let name = event["args"].flatMap { TraceEventFields(Array($0.utf8)) }?["name"]
        .map(Self.plain)
      if event["name"] == "process_name" { processNames[process] = name }
      if event["name"] == "thread_name" {
        threadNames[track] = (process, name ?? track)
        trackOrder.append(track)
      }
    case "X": readSlice(event, track: track)
    case "C": readCounter(event, process: process)
    case "s", "f": readArrow(event, isStart: phase == "s", track: track)
    default: break
    }
  }

  private func nanoseconds(_ text: String?) -> Int64? {
    guard let microseconds = text.flatMap({ Double($0) }), microseconds.magnitude < 4e15 else {
      return nil
    }
    return Int64((microseconds * 1000).rounded())
  }

  private mutating func readSlice(_ event: TraceEventFields, track: String) {
    guard let start = nanoseconds(event["ts"]), let duration = nanoseconds(event["dur"]) else {
      return
    }
    let end = start + duration
    lastEnd = max(lastEnd, end)
    firstStart = min(firstStart, start)
    guard end >= from, start <= to else { return }
    guard slices.count < limit else {
      untold += 1
      firstUntold = min(firstUntold, start)
      return
    }
    let arguments = event["args"].flatMap { TraceEventFields(Array($0.utf8)) }
    func argument(_ key: String) -> Int { arguments?[key].flatMap { Int($0) } ?? -1 }
    byTrack[track, default: []].append(slices.count)
    slices.append(
      (
        TimelineWindow.Slice(
          track: -1, name: Self.number(of: Self.plain(event["name"]), &nameNumbers, &names),
          category: Self.number(of: Self.plain(event["cat"]), &categoryNumbers, &categories),
          start: start, end: end, layer: argument("layer"), expert: argument("expert")), track
      ))
  }

  /// The text of a JSON string, whose escapes still stand in it.
  private static func plain(_ text: String?) -> String {
    guard let text else { return "" }
    guard text.contains("\\"),
      case .text(let plain)? = try? ReportValue(json: Data("\"\(text)\"".utf8))
    else { return text }
    return plain
  }

  private static func number(
    of text: String, _ numbers: inout [String: Int], _ texts: inout [String]
  ) -> Int {
    if let known = numbers[text] { return known }
    numbers[text] = texts.count
    texts.append(text)
    return texts.count - 1
  }

  private mutating func readCounter(_ event: TraceEventFields, process: String) {
    guard let time = nanoseconds(event["ts"]), time <= to,
      let value = event["args"].flatMap({ TraceEventFields(Array($0.utf8)) })?["value"]
        .flatMap({ Double($0) }), value.isFinite
    else { return }
    let name = Self.plain(event["name"])
    let key = "\(process)/\(name)"
    let number = counterNumbers[key] ?? counters.count
    if number == counters.count {
      counterNumbers[key] = number
      counters.append((process, TimelineWindow.Counter(track: 0, name: name)))
    }
    // Of what lies before the window, the last value is the one with which the window begins.
    if time < from, let last = counters[number].counter.times.last, last < from {
      counters[number].counter.times[0] = time
      counters[number].counter.values[0] = value
      return
    }
    counters[number].counter.times.append(time)
    counters[number].counter.values.append(value)
  }

  private mutating func readArrow(_ event: TraceEventFields, isStart: Bool, track: String) {
    guard let time = nanoseconds(event["ts"]), let id = event["id"] else { return }
    if isStart {
      arrowStarts[id] = (track, time)
    } else if let start = arrowStarts.removeValue(forKey: id), start.time >= from, time <= to {
      arrows.append((start.track, start.time, (track, time)))
    }
  }

  /// The slice of a track within which an instant lies.
  private func slice(at time: Int64, of track: String) -> Int? {
    guard let own = byTrack[track] else { return nil }
    // Slices of a lane stand in the order of their starts, since they don't overlap.
    var low = 0
    var high = own.count
    while low < high {
      let middle = (low + high) / 2
      if slices[own[middle]].slice.start <= time { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let found = own[low - 1]
    return time <= slices[found].slice.end ? found : nil
  }

  /// Adds the counters that have a value in the window; a process without a lane gets an empty one.
  private func addCounters(to window: inout TimelineWindow) {
    for (process, read) in counters {
      let kept = read.times.indices.filter { read.times[$0] <= window.to }
      guard !kept.isEmpty else { continue }
      let name = processNames[process] ?? process
      var counter = read
      counter.times = kept.map { read.times[$0] }
      counter.values = kept.map { read.values[$0] }
      if let track = window.tracks.firstIndex(where: { $0.process == name }) {
        counter.track = track
      } else {
        counter.track = window.tracks.count
        window.tracks.append(.init(process: name, thread: ""))
      }
      window.counters.append(counter)
    }
  }

  /// The window of what was read.
  var window: TimelineWindow {
    var window = TimelineWindow()
    var all = slices.map(\.slice)
    for arrow in arrows {
      guard let source = slice(at: arrow.time, of: arrow.track),
        let sink = slice(at: arrow.sink.time, of: arrow.sink.track), source != sink
      else { continue }
      all[sink].waitedFor = source
    }
    // Only lanes with something on them, in the order of the trace.
    var numbers: [String: Int] = [:]
    for track in trackOrder where byTrack[track] != nil {
      numbers[track] = window.tracks.count
      let (process, name) = threadNames[track] ?? ("", track)
      window.tracks.append(.init(process: processNames[process] ?? process, thread: name))
    }
    for track in byTrack.keys.sorted() where numbers[track] == nil {
      numbers[track] = window.tracks.count
      window.tracks.append(.init(process: "", thread: track))
    }
    for index in all.indices { all[index].track = numbers[slices[index].track] ?? 0 }
    window.slices = all
    window.names = names
    window.categories = categories
    window.from = from == .min ? all.map(\.start).min() ?? 0 : from
    let lastShown = all.map(\.end).max() ?? 0
    window.to = untold == 0 && to != .max ? to : lastShown
    // Beyond the first that has no room, lanes would look idle that are not.
    if untold > 0, firstUntold > window.from { window.to = min(lastShown, firstUntold) }
    addCounters(to: &window)
    if untold > 0 {
      window.note =
        "The window begins at \(FigureText.number(Double(window.from) / 1e9)) s, has room for"
        + " \(FigureText.integer(all.count)) slices and ends at"
        + " \(FigureText.number(Double(window.to) / 1e9)) s; \(FigureText.integer(untold)) more of"
        + " the trace are not on this page. 'moesim report --from T --to T' chooses another window;"
        + " the whole trace opens in Perfetto."
    }
    return window
  }
}
