// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Serving

/// Keeps a run's decisions.
struct DecisionCollector: DecisionSink {
  private(set) var content: [Decision.Place] = []
  private(set) var slots: [Int] = []
  private(set) var layout: BlockLayout?
  private(set) var decisions: [Decision] = []

  mutating func begin(layout: BlockLayout, content: [Decision.Place], slots: [Int]) {
    self.layout = layout
    self.content = content
    self.slots = slots
  }

  mutating func take(_ decision: Decision) { decisions.append(decision) }

  /// The forward passes, in order.
  var steps: [Decision.Step] {
    decisions.compactMap { if case .step(let step) = $0.event { step } else { nil } }
  }

  /// The accesses, in order.
  var accesses: [Decision.Access] {
    decisions.compactMap { if case .access(let access) = $0.event { access } else { nil } }
  }
}

/// Keeps a run's timeline.
struct SliceCollector: TimelineSink {
  private(set) var tracks: [TimelineTrack] = []
  private(set) var slices: [TimelineSlice] = []

  mutating func begin(tracks: [TimelineTrack]) { self.tracks = tracks }
  mutating func slice(_ slice: TimelineSlice) { slices.append(slice) }
  mutating func request(
    number: UInt64, arrival: UInt64, scheduled: UInt64, firstToken: UInt64, end: UInt64
  ) {}
  mutating func counter(track: String, name: String, nanoseconds: UInt64, value: Double) {}
}
