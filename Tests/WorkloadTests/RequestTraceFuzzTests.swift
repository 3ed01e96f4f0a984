// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Testing

@testable import Workload

@Suite("Damaged request traces")
struct RequestTraceFuzzTests {
  static let intact: [String] = [
    "# comment\narrival_s,prompt_tokens,output_tokens,prefix_blocks\n0,10,1,1 2 3\n0.5,20,2,\n"
      + "1.25,30,3,18446744073709551615\n2,40,4,7\n",
    "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n"
      + "2023-11-16 18:15:50.9951690,396,109\r\n2023-11-16 18:15:51.2224670,879,55",
    "{\"timestamp\": 0, \"input_length\": 6758, \"output_length\": 500, \"hash_ids\": [0, 1, 2]}\n"
      + "{\"timestamp\": 27, \"input_length\": 9, \"output_length\": 5, \"hash_ids\": []}\n",
  ]

  #if DEBUG
    static let rounds = 400
  #else
    static let rounds = 6000
  #endif

  /// Bytes that mean something to a parser, besides random ones.
  static let telling: [UInt8] =
    Array("0123456789.,-+eE\n\r\"{}[]: #nNaAiI\0\u{7F}".utf8) + [0xFF, 0xC0]

  @Test("End in records or in a located error", arguments: 0..<3, [UInt64(1), 2, 3])
  func mutations(sample: Int, seed: UInt64) throws {
    let original = Array(Self.intact[sample].utf8)
    var generator = SplitMix(state: seed &* 977 &+ UInt64(sample))
    var survivors = 0
    for _ in 0..<Self.rounds {
      var bytes = original
      for _ in 0...Int.random(in: 0..<4, using: &generator) {
        Self.mutate(&bytes, &generator)
      }
      let lineCount = bytes.count { $0 == 0x0A } + 1
      do {
        let reader = try RequestTraceReader(bytes: bytes, file: "fuzz")
        var record = RequestRecord()
        var last: Int64 = 0
        var count = 0
        while try reader.next(into: &record) {
          count += 1
          #expect(record.promptTokens >= 1 && record.outputTokens >= 1)
          #expect(record.arrivalNanoseconds >= last)
          last = record.arrivalNanoseconds
          #expect(record.prefixBlocks.count <= bytes.count)
        }
        #expect(count <= lineCount)
        survivors += 1
      } catch let error as Diagnostic {
        let location = try #require(error.location)
        #expect(location.file == "fuzz" && (1...lineCount).contains(location.line))
        #expect(location.column >= 1 && location.column <= bytes.count + 1)
        #expect(!error.message.isEmpty)
      }
    }
    // The mutations are neither all harmless nor all fatal.
    #expect(survivors > 0 && survivors < Self.rounds)
  }

  private static func mutate(_ bytes: inout [UInt8], _ generator: inout SplitMix) {
    guard !bytes.isEmpty else { return }
    let place = Int.random(in: 0..<bytes.count, using: &generator)
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: bytes[place] = telling.randomElement(using: &generator) ?? 0
    case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
    case 2: bytes.removeSubrange(place...)
    case 3: bytes.remove(at: place)
    case 4: bytes.insert(telling.randomElement(using: &generator) ?? 0, at: place)
    default:
      let length = min(Int.random(in: 1...40, using: &generator), bytes.count - place)
      bytes.insert(contentsOf: Array(bytes[place..<place + length]), at: place)
    }
  }
}
