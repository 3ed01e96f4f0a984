// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Records

/// A window of a timeline: the slices, arrows and counters that lie in it, up to a number of
/// slices.
public struct TimelineWindow: Sendable, Equatable {
  /// What keeps a trace from being shown.
  public struct Problem: Error, CustomStringConvertible, Sendable {
    /// The trace's file.
    public var path: String
    /// What was found and what would be right.
    public var message: String
    /// The file and the message.
    public var description: String { "\(path): \(message)" }
  }

  /// A lane.
  struct Track: Equatable {
    var process: String
    var thread: String
  }

  /// Something on a lane.
  struct Slice: Equatable {
    var track: Int
    var name: Int
    var category: Int
    /// Its start and its end [ns].
    var start: Int64
    var end: Int64
    var layer: Int
    var expert: Int
    /// The slice that it waited for, -1 for none.
    var waitedFor = -1
  }

  /// A value over time.
  struct Counter: Equatable {
    /// The lane that gives the counter its process.
    var track: Int
    var name: String
    var times: [Int64] = []
    var values: [Double] = []
  }

  /// The window [ns].
  public internal(set) var from: Int64 = 0
  /// Its end [ns].
  public internal(set) var to: Int64 = 0
  /// What was left out, in a sentence.
  public var note: String?
  var tracks: [Track] = []
  var names: [String] = []
  var categories: [String] = []
  var slices: [Slice] = []
  var counters: [Counter] = []

  /// How many slices a window holds at most unless another number is given; a page of so many
  /// stays small enough to be sent by mail.
  public static let usualLimit = 20_000

  /// How many slices the window holds.
  public var sliceCount: Int { slices.count }

  /// The window as a block of a page.
  func block(id: String) -> PageBlock {
    func integers(_ value: (Slice) -> Int64) -> ReportValue {
      .list(slices.map { .integer(value($0)) })
    }
    return .other(
      type: "timeline", id: id,
      [
        "from": .integer(from), "to": .integer(to),
        "tracks": .list(
          tracks.map { ["process": .text($0.process), "thread": .text($0.thread)] }),
        "names": .texts(names), "categories": .texts(categories),
        "slices": [
          "track": integers { Int64($0.track) }, "name": integers { Int64($0.name) },
          "category": integers { Int64($0.category) }, "start": integers(\.start),
          "end": integers(\.end), "layer": integers { Int64($0.layer) },
          "expert": integers { Int64($0.expert) },
          "waited_for": integers { Int64($0.waitedFor) },
        ],
        "counters": .list(
          counters.map { counter in
            [
              "track": .integer(Int64(counter.track)), "name": .text(counter.name),
              "times": .list(counter.times.map { .integer($0) }),
              "values": .list(counter.values.map { .number($0) }),
            ]
          }),
        "note": .optional(note),
      ])
  }
}
