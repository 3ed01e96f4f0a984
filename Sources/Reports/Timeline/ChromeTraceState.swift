// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Serving

/// What a trace that is being written knows.
final class ChromeTraceState {
  private let output: OutputWriter
  private let limit: Int
  private let maximumBytes: Int
  private let window: ClosedRange<UInt64>
  private var failure: WriteFailure?
  private var summary = ChromeTraceWriter.Summary()
  private var line = TraceLine()
  private var isFirstLine = true

  /// The lanes of every announced track: one, and more only where slices overlap.
  private var lanes: [[Lane]] = []
  private var trackNames: [TimelineTrack] = []
  private var processNumbers: [String: Int] = [:]
  private var threadCount = 0
  private var requestProcess = 0

  /// The latest slices by order of delivery, for arrows; older ones can't be waited for any more.
  private var recent: [Recent] = []
  private static let recentCount = 1 << 16
  private var delivered = 0
  private var arrowsToForgotten = 0

  private struct Lane {
    var process: Int
    var thread: Int
    /// The end of the last slice [ns].
    var end: UInt64
  }

  private struct Recent {
    var process: Int32
    var thread: Int32
    var start: UInt64
    var end: UInt64
    /// Whether the slice stands in the trace.
    var isWritten: Bool
  }

  init(
    output: OutputWriter, limit: Int, maximumBytes: Int = .max,
    window: ClosedRange<UInt64> = 0 ... .max
  ) {
    precondition(limit > 0, "A trace holds at least one slice.")
    self.output = output
    self.limit = limit
    self.maximumBytes = maximumBytes
    self.window = window
    put("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")
  }

  // MARK: Tracks

  func begin(_ tracks: [TimelineTrack]) {
    trackNames = tracks
    lanes = tracks.map { track in
      let process = self.process(named: track.process)
      return [Lane(process: process, thread: newThread(track.thread, of: process), end: 0)]
    }
  }

  private func process(named name: String) -> Int {
    if let number = processNumbers[name] { return number }
    let number = processNumbers.count + 1
    processNumbers[name] = number
    writeName("process", name, process: number, thread: 0, order: number)
    return number
  }

  private func newThread(_ name: String, of process: Int) -> Int {
    threadCount += 1
    writeName("thread", name, process: process, thread: threadCount, order: threadCount)
    return threadCount
  }

  private func writeName(_ kind: String, _ name: String, process: Int, thread: Int, order: Int) {
    beginEvent(phase: "M", process: process, thread: thread)
    line.text(",\"name\":\"\(kind)_name\",\"args\":{\"name\":\(JSONText.quoted(name))}}")
    endEvent()
    beginEvent(phase: "M", process: process, thread: thread)
    line.text(",\"name\":\"\(kind)_sort_index\",\"args\":{\"sort_index\":\(order)}}")
    endEvent()
  }

  /// The lane of a track that is free at `start`, which is another than the first only where slices
  /// overlap.
  private func freeLane(of track: Int, start: UInt64, end: UInt64) -> Lane {
    for index in lanes[track].indices where lanes[track][index].end <= start {
      lanes[track][index].end = end
      if index > 0 { summary.overlaps += 1 }
      return lanes[track][index]
    }
    summary.overlaps += 1
    let name = "\(trackNames[track].thread) (overlap \(lanes[track].count))"
    let process = lanes[track][0].process
    let lane = Lane(process: process, thread: newThread(name, of: process), end: end)
    lanes[track].append(lane)
    return lane
  }

  // MARK: Events

  func add(_ slice: TimelineSlice) {
    precondition(lanes.indices.contains(slice.track), "A slice is on a track that was announced.")
    precondition(slice.start <= slice.end, "A slice ends no earlier than it begins.")
    guard slice.end >= window.lowerBound, slice.start <= window.upperBound else {
      remember(Recent(process: 0, thread: 0, start: 0, end: 0, isWritten: false))
      return
    }
    guard !isFull else {
      summary.dropped += 1
      remember(Recent(process: 0, thread: 0, start: 0, end: 0, isWritten: false))
      return
    }
    let lane = freeLane(of: slice.track, start: slice.start, end: slice.end)
    beginEvent(phase: "X", process: lane.process, thread: lane.thread)
    line.time(",\"ts\":", slice.start)
    line.time(",\"dur\":", slice.end - slice.start)
    line.quoted(",\"name\":", slice.name)
    line.quoted(",\"cat\":", slice.category)
    line.text(",\"args\":{")
    if slice.layer >= 0 { line.integer("\"layer\":", UInt64(slice.layer)) }
    if slice.expert >= 0 {
      line.integer(slice.layer >= 0 ? ",\"expert\":" : "\"expert\":", UInt64(slice.expert))
    }
    line.text("}}")
    endEvent()
    summary.slices += 1
    summary.lastNanoseconds = max(summary.lastNanoseconds, slice.end)
    if slice.waitedFor >= 0 { addFlow(from: slice.waitedFor, to: slice, lane: lane) }
    remember(
      Recent(
        process: Int32(lane.process), thread: Int32(lane.thread), start: slice.start,
        end: slice.end, isWritten: true))
  }

  private func remember(_ slice: Recent) {
    if recent.count < Self.recentCount {
      recent.append(slice)
    } else {
      recent[delivered % Self.recentCount] = slice
    }
    delivered += 1
  }

  /// An arrow from within the slice that was waited for to the beginning of the one that waited.
  ///
  /// A viewer binds each end to the slice around it, and a slice doesn't contain its own end.
  private func addFlow(from source: Int, to sink: TimelineSlice, lane: Lane) {
    guard source < delivered else { return }
    guard delivered - source <= Self.recentCount else {
      arrowsToForgotten += 1
      return
    }
    let origin = recent[source % Self.recentCount]
    guard origin.isWritten, origin.start <= sink.start else { return }
    let lastInstant = origin.end > origin.start ? origin.end - 1 : origin.start
    let identifier = UInt64(summary.flows)
    beginEvent(phase: "s", process: Int(origin.process), thread: Int(origin.thread))
    line.time(",\"ts\":", min(lastInstant, sink.start))
    line.integer(",\"id\":", identifier)
    line.text(",\"name\":\"waited for\",\"cat\":\"flow\"}")
    endEvent()
    beginEvent(phase: "f", process: lane.process, thread: lane.thread)
    line.time(",\"bp\":\"e\",\"ts\":", sink.start)
    line.integer(",\"id\":", identifier)
    line.text(",\"name\":\"waited for\",\"cat\":\"flow\"}")
    endEvent()
    summary.flows += 1
  }

  /// Whether something that begins at this instant lies within what a full trace shows.
  private func isShown(_ nanoseconds: UInt64) -> Bool {
    // What lies beside full slices gets a little more room, so that it isn't cut off before them.
    guard output.byteCount < maximumBytes / 24 * 25 else { return false }
    return !isFull || nanoseconds <= summary.lastNanoseconds
  }

  private var isFull: Bool { summary.slices >= limit || output.byteCount >= maximumBytes }

  func addRequest(
    number: UInt64, arrival: UInt64, scheduled: UInt64, firstToken: UInt64, end: UInt64
  ) {
    guard end >= window.lowerBound, arrival <= window.upperBound else { return }
    guard arrival <= end, summary.requests < limit, isShown(arrival) else {
      summary.dropped += 1
      return
    }
    if requestProcess == 0 { requestProcess = process(named: "requests") }
    // Viewers take the events of one instant in the order of the file, so spans must nest in it.
    let isScheduled = arrival <= scheduled && scheduled <= end
    let hasToken = isScheduled && scheduled <= firstToken && firstToken <= end
    addSpanEnd("b", "request \(number)", of: number, at: arrival)
    if isScheduled {
      addSpan("queued", of: number, from: arrival, to: scheduled)
      addSpan("prefill", of: number, from: scheduled, to: hasToken ? firstToken : end)
    }
    if hasToken { addSpan("decode", of: number, from: firstToken, to: end) }
    addSpanEnd("e", "request \(number)", of: number, at: end)
    summary.requests += 1
  }

  private func addSpan(_ name: String, of request: UInt64, from start: UInt64, to end: UInt64) {
    addSpanEnd("b", name, of: request, at: start)
    addSpanEnd("e", name, of: request, at: end)
  }

  private func addSpanEnd(
    _ phase: StaticString, _ name: String, of request: UInt64, at nanoseconds: UInt64
  ) {
    beginEvent(phase: phase, process: requestProcess, thread: 0)
    line.time(",\"ts\":", nanoseconds)
    line.integer(",\"cat\":\"request\",\"id\":\"", request)
    line.quoted("\",\"name\":", name)
    line.text("}")
    endEvent()
  }

  func addCounter(track: String, name: String, nanoseconds: UInt64, value: Double) {
    guard window.contains(nanoseconds) else { return }
    guard value.isFinite, summary.counters < limit, isShown(nanoseconds) else {
      summary.dropped += 1
      return
    }
    beginEvent(phase: "C", process: process(named: track), thread: 0)
    line.time(",\"ts\":", nanoseconds)
    line.quoted(",\"name\":", name)
    line.text(",\"args\":{\"value\":\(plainDecimal(Resolution.round(value, decimals: 6)))}}")
    endEvent()
    summary.counters += 1
  }

  // MARK: The file

  private func beginEvent(phase: StaticString, process: Int, thread: Int) {
    line.removeAll()
    line.literal(isFirstLine ? "\n{\"ph\":\"" : ",\n{\"ph\":\"")
    isFirstLine = false
    line.literal(phase)
    line.integer("\",\"pid\":", UInt64(process))
    line.integer(",\"tid\":", UInt64(thread))
  }

  private func endEvent() {
    guard failure == nil else { return }
    line.bytes.withUnsafeBufferPointer { bytes in
      do throws(WriteFailure) { try output.write(bytes) } catch { failure = error }
    }
  }

  private func put(_ text: String) {
    guard failure == nil else { return }
    do throws(WriteFailure) { try output.write(text) } catch { failure = error }
  }

  private func notices() -> [String] {
    var notices: [String] = []
    if summary.dropped > 0 {
      let seconds = FigureText.number(Double(summary.lastNanoseconds) / 1e9)
      let events = FigureText.integer(summary.dropped)
      notices.append(
        "the timeline is full: it holds the first \(FigureText.integer(summary.slices)) slices, up "
          + "to \(seconds) s of simulated time, and lacks \(events) more events; "
          + "--timeline-window chooses the seconds that it shows")
    }
    if window.lowerBound > 0 || window.upperBound < .max {
      let from = FigureText.number(Double(window.lowerBound) / 1e9)
      let to = FigureText.number(Double(window.upperBound) / 1e9)
      notices.append("the timeline shows \(from) s to \(to) s of simulated time")
    }
    if summary.overlaps > 0 {
      notices.append(
        "\(FigureText.integer(summary.overlaps)) slices of the timeline began before their track "
          + "was free and stand on tracks named \"overlap\"")
    }
    if arrowsToForgotten > 0 {
      notices.append(
        "\(FigureText.integer(arrowsToForgotten)) arrows of the timeline lead from slices too long "
          + "ago and are left out")
    }
    return notices
  }

  func finish() throws(WriteFailure) -> ChromeTraceWriter.Summary {
    summary.notices = notices()
    let texts = summary.notices.map(JSONText.quoted).joined(separator: ",")
    put("\n],\"otherData\":{\"notices\":[\(texts)]}}\n")
    if let failure {
      output.abandon()
      throw failure
    }
    try output.finish()
    return summary
  }
}

/// One line of a trace as it is being put together, without allocation once it has grown.
private struct TraceLine {
  private(set) var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(512) }

  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  mutating func literal(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  mutating func text(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// A key and an integer.
  mutating func integer(_ key: StaticString, _ value: UInt64) {
    literal(key)
    digits(value, atLeast: 1)
  }

  /// A key and a time in µs with three decimals, from nanoseconds.
  mutating func time(_ key: StaticString, _ nanoseconds: UInt64) {
    literal(key)
    let (whole, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1000)
    digits(whole, atLeast: 1)
    bytes.append(UInt8(ascii: "."))
    digits(fraction, atLeast: 3)
  }

  /// A key and a text; only texts with signs that JSON escapes take the slow way.
  mutating func quoted(_ key: StaticString, _ text: String) {
    literal(key)
    let isPlain = text.utf8.allSatisfy {
      $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 != 0x7F
    }
    if isPlain {
      bytes.append(UInt8(ascii: "\""))
      bytes.append(contentsOf: text.utf8)
      bytes.append(UInt8(ascii: "\""))
    } else {
      bytes.append(contentsOf: JSONText.quoted(text).utf8)
    }
  }

  private mutating func digits(_ value: UInt64, atLeast count: Int) {
    var length = count
    var bound = value
    for _ in 0..<count { bound /= 10 }
    while bound > 0 {
      length += 1
      bound /= 10
    }
    for _ in 0..<length { bytes.append(UInt8(ascii: "0")) }
    var rest = value
    var place = bytes.count - 1
    while rest > 0 {
      bytes[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
      place -= 1
    }
  }
}
