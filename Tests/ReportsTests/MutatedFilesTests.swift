// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
@testable import Records
import Serving
import Testing

@testable import Reports

@Suite("Mutated files")
struct MutatedFilesTests {
  /// Bytes with a few of them replaced, removed, doubled or cut off, or numbers made absurd.
  private func mutated(_ bytes: [UInt8], using generator: inout SplitMix) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
      let place = Int.random(in: bytes.indices, using: &generator)
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(bytes[place], at: place)
      case 3: bytes.removeSubrange(place...)
      case 4: bytes.insert(contentsOf: Array("-1e999".utf8), at: place)
      default:
        if let digit = bytes[place...].firstIndex(where: { (48...57).contains($0) }) {
          bytes.replaceSubrange(digit...digit, with: Array("9223372036854775807".utf8))
        }
      }
    }
    return bytes
  }

  @Test("of timelines are judged, never fatal", arguments: [1, 2, 3, 4] as [UInt64])
  func timelines(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("run.json")
    var writer = try ChromeTraceWriter(path: path)
    writer.begin(tracks: [TimelineTrack(process: "gpu0", thread: "compute")])
    for index in 0..<8 as Range<UInt64> {
      writer.slice(
        TimelineSlice(
          track: 0, name: "expert \"\(index)\"", category: "compute", start: index * 10,
          end: index * 10 + 9, layer: 1, expert: 2, waitedFor: Int(index) - 1))
    }
    writer.request(number: 3, arrival: 1, scheduled: 2, firstToken: 5, end: 70)
    writer.counter(track: "gpu0", name: "queue", nanoseconds: 3, value: 1.5)
    _ = try writer.finish()
    let bytes = Array(try Data(contentsOf: URL(filePath: path)))
    #expect(try ChromeTraceCheck(path: path).violationCount == 0)
    var generator = SplitMix(state: seed)
    var faulty = 0
    for _ in 0..<150 {
      try Data(mutated(bytes, using: &generator)).write(to: URL(filePath: path))
      let check = try ChromeTraceCheck(path: path)
      #expect(check.slices <= 40)
      faulty += check.violationCount > 0 ? 1 : 0
    }
    // Most mutations hit a time, a phase or the structure; one within a name is no fault.
    #expect(faulty > 50)
  }

  @Test("of results are refused with a message or read", arguments: [1, 2, 3, 4] as [UInt64])
  func results(seed: UInt64) {
    let bytes = Array(JSONRenderer().render(SimulationResult.sample()).utf8)
    var generator = SplitMix(state: seed)
    var refused = 0
    for _ in 0..<60 {
      do {
        _ = try SimulationResult(json: Data(mutated(bytes, using: &generator)))
      } catch let error as ResultFormatError {
        refused += 1
        #expect(!error.message.isEmpty)
      } catch {
        Issue.record("an error of another kind: \(error)")
      }
    }
    #expect(refused > 20)
  }
}
