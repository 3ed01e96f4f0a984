// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Serving

/// What a run tells a timeline.
@Suite("Timeline")
struct TimelineTests {
  /// The resource of each track.
  static func resource(_ track: TimelineTrack) -> String {
    switch track.thread {
    case "compute": "gpu0.compute"
    case "host to device": "gpu0.h2d"
    case "device to host": "gpu0.d2h"
    case "staging copy": "host.staging"
    default: "ssd0.lanes"
    }
  }

  @Test(
    "slices never overlap on a track, and add up to what was busy",
    arguments: BooksTests.Kind.allCases)
  func slices(kind: BooksTests.Kind) throws {
    let requests = BooksTests.requests()
    let configuration = try BooksTests.configuration(kind, requests: requests)
    let (result, sink) = try RecordingSink.record(configuration)
    var busy: [String: UInt64] = [:]
    // Transfers that are under way when the last token is out are drawn whole, and count up to then.
    let end = UInt64((result.simulatedSeconds * 1e9).rounded())
    for (index, track) in sink.tracks.enumerated() {
      let own = sink.slices.filter { $0.track == index }.sorted { $0.start < $1.start }
      for (earlier, later) in zip(own, own.dropFirst()) { #expect(earlier.end <= later.start) }
      for slice in own { #expect(slice.start <= slice.end) }
      busy[Self.resource(track), default: 0] += own.reduce(0) {
        $0 + min($1.end, end) - min($1.start, end)
      }
    }
    for resource in result.resources where resource.kind == "server" {
      let recorded = Double(busy[resource.name] ?? 0) * 1e-9
      #expect(abs(recorded - resource.busySeconds) < 1e-9, "\(resource.name)")
      let units = resource.name == "ssd0.lanes" ? 4.0 : 1
      #expect(abs(resource.utilization * result.measuredSeconds * units - recorded) < 1e-9)
    }
    // A slice waits only for one that was delivered before it and ended before it began.
    for slice in sink.slices where slice.waitedFor >= 0 {
      #expect(sink.slices[slice.waitedFor].end <= slice.start)
    }
    #expect(sink.requests.count == requests.count)
  }

  @Test("recording changes nothing", arguments: BooksTests.Kind.allCases)
  func recordingChangesNothing(kind: BooksTests.Kind) throws {
    let configuration = try BooksTests.configuration(kind, requests: BooksTests.requests())
    let recorded = try RecordingSink.record(configuration).result
    let plain = try ServingHarness.run(configuration)
    #expect(recorded.simulatedSeconds == plain.simulatedSeconds)
    #expect(recorded.e2elMs?.mean == plain.e2elMs?.mean)
    #expect(recorded.expertCache.hits == plain.expertCache.hits)
    #expect(recorded.energy.joules == plain.energy.joules)
  }
}
