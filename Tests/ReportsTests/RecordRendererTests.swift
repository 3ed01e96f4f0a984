// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Reports

@Suite("Records")
struct RecordRendererTests {
  private struct Replay: Encodable {
    struct Layer: Encodable {
      var layer: Int
      var hits: Int
    }
    var eviction: String
    var capacityBytes: Int64?
    var accesses: UInt64
    var hitRate: Double
    var layers: [Layer]
  }

  private let replays = [
    Replay(
      eviction: "lru", capacityBytes: 4_194_304_000, accesses: 39_526, hitRate: 0.7488235591762,
      layers: [.init(layer: 0, hits: 12)]),
    Replay(eviction: "a,b", capacityBytes: nil, accesses: 1, hitRate: .nan, layers: []),
  ]

  private func text(_ format: ReportFormat, _ columns: [RecordRenderer.Column]? = nil) throws
    -> [String]
  {
    try RecordRenderer(format: format).render(replays, columns: columns)
      .split(separator: "\n").map(String.init)
  }

  @Test("are an array in JSON, whatever their number")
  func json() throws {
    let text = try RecordRenderer(format: .json).render([replays[0]])
    let array = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]]
    let record = try #require(array?.first)
    #expect(record["capacity_bytes"] as? Int == 4_194_304_000)
    #expect(record["hit_rate"] as? Double == 0.748824)
    #expect((record["layers"] as? [[String: Int]]) == [["layer": 0, "hits": 12]])
    #expect(try RecordRenderer(format: .json).render([Replay]()) == "[]\n")
    #expect(
      try self.text(.jsonl)[1]
        == #"{"accesses":1,"capacity_bytes":null,"eviction":"a,b","hit_rate":null,"layers":[]}"#)
  }

  @Test("have a row each in CSV")
  func csv() throws {
    #expect(
      try text(.csv) == [
        "eviction,capacity_bytes,accesses,hit_rate", "lru,4194304000,39526,0.748824",
        "\"a,b\",,1,",
      ])
  }

  @Test("show the chosen columns in tables")
  func table() throws {
    let columns: [RecordRenderer.Column] = [
      .init("eviction", "Eviction"), .init("capacity_bytes", "Capacity", form: .bytes),
      .init("hit_rate", "Hit rate", form: .percent), .init("accesses", "Accesses"),
    ]
    #expect(
      try text(.table, columns) == [
        "Eviction   Capacity  Hit rate  Accesses",
        "lru       3.906 GiB    74.9 %    39,526",
        "a,b               -         -         1",
      ])
    #expect(
      try text(.markdown, columns) == [
        "| Eviction | Capacity | Hit rate | Accesses |", "| :--- | ---: | ---: | ---: |",
        "| lru | 3.906 GiB | 74.9 % | 39,526 |", "| a,b | - | - | 1 |",
      ])
    #expect(try text(.table)[0] == "eviction  capacity bytes  accesses  hit rate")
  }
}
