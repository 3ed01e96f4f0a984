// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
public import Experiments
import Serving

/// Writes the simulation's and the execution's timelines into one trace, as processes of their own.
public enum RehearsalTimeline {
  /// Writes both timelines.
  ///
  /// The processes of the simulation are named "simulated …", those of the execution "measured …".
  /// Both begin with the first step.
  public static func write(_ outcome: RehearsalStudy.Outcome, to writer: ChromeTraceWriter) {
    var writer = writer
    var tracks = outcome.simulatedTracks.map {
      TimelineTrack(process: "simulated \($0.process)", thread: $0.thread)
    }
    let first = tracks.count
    tracks.append(.init(process: "measured cpu", thread: "compute"))
    tracks.append(.init(process: "measured reads", thread: "read"))
    writer.begin(tracks: tracks)
    for slice in outcome.simulatedSlices { writer.slice(slice) }
    // The compute thread's slices do not overlap; reads of several threads do, and get lanes.
    let ordered = outcome.record.slices.sorted { ($0.start, $0.track) < ($1.start, $1.track) }
    for slice in ordered {
      writer.slice(
        TimelineSlice(
          track: first + slice.track, name: "\(slice.name)",
          category: slice.track == 0 ? "compute" : "drive", start: slice.start,
          end: max(slice.start, slice.end), layer: slice.layer, expert: slice.expert, waitedFor: -1)
      )
    }
  }
}
