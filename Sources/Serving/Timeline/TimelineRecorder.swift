// SPDX-License-Identifier: GPL-3.0-or-later

/// What happened on every resource, for a timeline viewer.
///
/// A run hands slices over in batches as they end; what is kept is the sink's affair.
public protocol TimelineSink {
  /// Announces the tracks, once, before any slice.
  mutating func begin(tracks: [TimelineTrack])
  /// Takes one interval in which a track was held.
  mutating func slice(_ slice: TimelineSlice)
  /// Takes one request's life: arrival, first token, end [ns]; drawn as an asynchronous span.
  mutating func request(
    number: UInt64, arrival: UInt64, scheduled: UInt64, firstToken: UInt64, end: UInt64)
  /// Takes a value that holds from this instant on (cache occupancy, queue length).
  mutating func counter(track: String, name: String, nanoseconds: UInt64, value: Double)
}

/// A lane of a timeline: one unit of a stream, copy engine or drive, on which slices never overlap.
public struct TimelineTrack: Sendable {
  /// The device that the lane belongs to, "gpu0", "host", "ssd0".
  public var process: String
  /// The lane's name, "compute", "h2d", "lane 3".
  public var thread: String
  /// The record of these values.
  public init(process: String, thread: String) {
    self.process = process
    self.thread = thread
  }
}

/// One interval in which a track was held.
public struct TimelineSlice: Sendable {
  /// The index of the track in what ``TimelineSink/begin(tracks:)`` announced.
  public var track: Int
  /// What was done, "attention", "expert", "load".
  public var name: String
  /// The category, "compute", "overhead", "load", "write-back", "staging", "drive".
  public var category: String
  /// The start [ns].
  public var start: UInt64
  /// The end [ns].
  public var end: UInt64
  /// The model layer, or -1.
  public var layer: Int
  /// The expert, or -1.
  public var expert: Int
  /// The slice (in order of delivery, from 0) for which this one waited, or -1: drawn as a flow.
  public var waitedFor: Int
  /// The record of these values.
  public init(
    track: Int, name: String, category: String, start: UInt64, end: UInt64, layer: Int, expert: Int,
    waitedFor: Int
  ) {
    self.track = track
    self.name = name
    self.category = category
    self.start = start
    self.end = end
    self.layer = layer
    self.expert = expert
    self.waitedFor = waitedFor
  }
}
