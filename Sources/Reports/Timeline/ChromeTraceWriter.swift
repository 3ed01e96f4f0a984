// SPDX-License-Identifier: GPL-3.0-or-later

public import Serving

/// Writes a timeline in Chrome's trace event format, which Perfetto and chrome://tracing open.
///
/// Streams to the file, one event a line, so that memory doesn't grow with the run; what a trace
/// holds is bounded by a count and by the file's size. Times are in µs with three decimals, exact to the nanosecond.
///
/// - `X` events are slices, a track for each lane of a stream, copy engine or drive;
/// - `M` events name processes and tracks;
/// - `C` events are counters;
/// - `b` and `e` events, with an id, are requests and their phases;
/// - `s` and `f` events are arrows from what a slice waited for.
///
/// The first write that fails is kept and thrown by ``finish()``; the file gets its name only there.
/// Copies share the file.
///
/// Format: "Trace Event Format", Google, the document that chrome://tracing refers to.
public struct ChromeTraceWriter: TimelineSink {
  /// What a finished trace holds.
  public struct Summary: Sendable, Equatable {
    /// Slices written.
    public var slices = 0
    /// Requests written.
    public var requests = 0
    /// Counter values written.
    public var counters = 0
    /// Arrows written.
    public var flows = 0
    /// Slices, requests and counter values left out, since the trace was full.
    public var dropped = 0
    /// Slices that began before their track was free and stand on a track of their own.
    public var overlaps = 0
    /// The end of the last slice [ns].
    public var lastNanoseconds: UInt64 = 0
    /// What a reader of the trace must know.
    public var notices: [String] = []
  }

  private let state: ChromeTraceState

  /// A trace that goes to a file.
  ///
  /// - Parameters:
  ///   - path: The file, which is replaced when the trace is finished.
  ///   - limit: The most slices, and of requests and counter values as many again.
  ///   - maximumBytes: The size of the file at which it is full, about; viewers fail on larger ones.
  ///   - window: What is shown of the simulated time [ns].
  public init(
    path: String, limit: Int = 1_000_000, maximumBytes: Int = 46_000_000,
    window: ClosedRange<UInt64> = 0 ... .max
  ) throws(WriteFailure) {
    state = ChromeTraceState(
      output: try OutputWriter(path: path), limit: limit, maximumBytes: maximumBytes,
      window: window)
  }

  /// Names the tracks.
  public mutating func begin(tracks: [TimelineTrack]) {
    state.begin(tracks)
  }

  /// Writes one slice, and an arrow from what it waited for.
  ///
  /// - Complexity: O(1), without allocation in steady state.
  public mutating func slice(_ slice: TimelineSlice) {
    state.add(slice)
  }

  /// Writes one request: from arrival to end, within it the queue, the prefill and the decoding as
  /// far as their instants are in order.
  public mutating func request(
    number: UInt64, arrival: UInt64, scheduled: UInt64, firstToken: UInt64, end: UInt64
  ) {
    state.addRequest(
      number: number, arrival: arrival, scheduled: scheduled, firstToken: firstToken, end: end)
  }

  /// Writes a value that holds from this instant on.
  public mutating func counter(track: String, name: String, nanoseconds: UInt64, value: Double) {
    state.addCounter(track: track, name: name, nanoseconds: nanoseconds, value: value)
  }

  /// Ends the trace and gives the file its name; throws the first write that failed.
  public func finish() throws(WriteFailure) -> Summary {
    try state.finish()
  }
}
