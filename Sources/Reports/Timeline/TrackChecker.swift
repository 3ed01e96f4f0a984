// SPDX-License-Identifier: GPL-3.0-or-later

/// Finds slices of one track that overlap, which viewers don't draw.
///
/// Slices may be handed over in any order. Two that only touch don't overlap; one without duration
/// overlaps another when it lies strictly within it.
public struct TrackChecker: Sendable {
  /// An interval of a track [ns].
  public struct Interval: Sendable, Hashable {
    /// The start [ns].
    public var start: UInt64
    /// The end [ns].
    public var end: UInt64
    /// An interval of those bounds.
    public init(start: UInt64, end: UInt64) {
      self.start = start
      self.end = end
    }
  }

  /// Two slices of one track that overlap.
  public struct Overlap: Sendable, Equatable, CustomStringConvertible {
    /// The track's name.
    public var track: String
    /// The one that began first.
    public var first: Interval
    /// The other one.
    public var second: Interval
    /// The overlap in words.
    public var description: String {
      "on \(track), the slice from \(second.start) to \(second.end) ns begins before the one from "
        + "\(first.start) to \(first.end) ns has ended"
    }
  }

  private var tracks: [String: [Interval]] = [:]

  /// A checker that knows of no slice.
  public init() {}

  /// Takes one slice.
  public mutating func add(track: String, start: UInt64, end: UInt64) {
    tracks[track, default: []].append(Interval(start: start, end: end))
  }

  /// The number of tracks with a slice.
  public var trackCount: Int { tracks.count }

  /// The number of slices.
  public var sliceCount: Int { tracks.values.reduce(0) { $0 + $1.count } }

  /// The slices of every track by name, in the order of their starts.
  ///
  /// - Complexity: O(*n* log *n*) in the slices.
  public func sortedIntervals() -> [String: [Interval]] {
    tracks.mapValues { intervals in
      intervals.sorted { ($0.start, $0.end) < ($1.start, $1.end) }
    }
  }

  /// Every slice that begins before all earlier ones of its track have ended, by track and time.
  ///
  /// - Complexity: O(*n* log *n*) in the slices.
  public func overlaps() -> [Overlap] {
    var found: [Overlap] = []
    for (track, sorted) in sortedIntervals().sorted(by: { $0.key < $1.key }) {
      guard var latest = sorted.first else { continue }
      for interval in sorted.dropFirst() {
        if interval.start < latest.end {
          found.append(Overlap(track: track, first: latest, second: interval))
        }
        if interval.end > latest.end { latest = interval }
      }
    }
    return found
  }
}
