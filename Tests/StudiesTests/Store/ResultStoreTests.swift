// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import GRDB
import Records
import Testing

@testable import Studies

@Suite("Stores of results")
struct ResultStoreTests {
  private func run(
    _ number: Int, status: RunRecord.Status = .ok, value: Double = 1, policy: String = "lru",
    replication: UInt32 = 0
  ) -> MergedRun {
    let digits = String(number)
    let id = String(repeating: "0", count: 64 - digits.count) + digits
    return MergedRun(
      entry: .init(
        id: id, point: "p\(policy)", replication: replication, kind: .run,
        labels: [policy, "\(number)"], scenarioText: nil, problem: nil, files: []),
      axes: ["policy", "cache.experts"],
      record: RunRecord(
        id: id, status: status,
        result: .object([.init("tpot_ms", .object([.init("mean", .number(value))]))])))
  }

  @Test("give back what was added, once")
  func roundTrip() throws {
    let fixture = try StudyFixture()
    let path = "\(fixture.folder)/r.sqlite"
    let store = try ResultStore(path: path, writes: true)
    let runs = (1...5).map { run($0, value: Double($0)) }
    #expect(try store.add(runs, parts: [("a", ContentDigest(of: "a"), 5)]) == 5)
    #expect(try store.add(runs, parts: [("a", ContentDigest(of: "a"), 5)]) == 0)
    let found = try ResultStore(path: path, writes: false).runs()
    #expect(found.map(\.record) == runs.map(\.record))
    #expect(found.map { $0.labels.map(\.value) } == runs.map { $0.labels.map(\.value) })
    #expect(try store.parts().map(\.name) == ["a"])
    #expect(try store.checkIntegrity())
  }

  @Test("keep a result against a crash, and refuse another result")
  func conflicts() throws {
    let fixture = try StudyFixture()
    let store = try ResultStore(path: "\(fixture.folder)/r.sqlite", writes: true)
    try store.add([run(1, status: .crashed), run(2)], parts: [])
    try store.add([run(1)], parts: [])
    #expect(try store.record(of: run(1).record.id)?.status == .ok)
    #expect(throws: RecordCollection.Conflict.self) {
      try store.add([run(3), run(2, value: 9)], parts: [])
    }
    // All or nothing: the run beside the conflict is not there.
    #expect(try store.record(of: run(3).record.id) == nil)
  }

  @Test("of a newer version, of something else and of no database are refused unharmed")
  func refusals() throws {
    let fixture = try StudyFixture()
    let newer = "\(fixture.folder)/newer.sqlite"
    _ = try ResultStore(path: newer, writes: true)
    try DatabaseQueue(path: newer).write { try $0.execute(sql: "PRAGMA user_version = 99") }
    let other = "\(fixture.folder)/other.sqlite"
    try DatabaseQueue(path: other).write { try $0.execute(sql: "CREATE TABLE mine (a)") }
    let text = "\(fixture.folder)/text.sqlite"
    try Data(repeating: 65, count: 5000).write(to: URL(filePath: text))
    for path in [newer, other, text] {
      let before = try ContentDigest(ofFile: path)
      for writes in [true, false] {
        #expect(throws: ResultStore.Problem.self) { try ResultStore(path: path, writes: writes) }
      }
      #expect(try ContentDigest(ofFile: path) == before)
    }
    #expect(throws: ResultStore.Problem.self) {
      try ResultStore(path: "\(fixture.folder)/none.sqlite", writes: false)
    }
    #expect(throws: ResultStore.Problem.self) {
      try ResultStore(path: "\(fixture.folder)/no/such/folder.sqlite", writes: true)
    }
  }

  @Test("that another process writes, or whose disk is full, say so and lose nothing")
  func contention() throws {
    let fixture = try StudyFixture()
    let path = "\(fixture.folder)/r.sqlite"
    let store = try ResultStore(path: path, writes: true)
    try store.add([run(1)], parts: [])
    let other = try DatabaseQueue(path: path)
    try other.inDatabase { database in
      try database.execute(sql: "BEGIN IMMEDIATE")
      #expect {
        try store.add([run(2)], parts: [])
      } throws: { error in
        (error as? ResultStore.Problem)?.message.contains("another process is writing") == true
      }
      try database.execute(sql: "ROLLBACK")
    }
    #expect(try store.runs().count == 1)
    try store.limitPagesForTesting(to: 12)
    let large = (10..<400).map { run($0) }
    #expect {
      try store.add(large, parts: [])
    } throws: { error in
      let problem = error as? ResultStore.Problem
      return problem?.isWriteFailure == true && problem?.message.contains("disk is full") == true
    }
    #expect(try store.runs().count == 1)
    #expect(try store.checkIntegrity())
  }

  @Test("answer questions in SQL over labels and figures")
  func questions() throws {
    let runs =
      (1...4).map { run($0, value: Double($0) * 10) }
      + (5...8).map { run($0, value: Double($0) * 10, policy: "promoe") }
    func values(_ condition: String?, order: String? = nil) throws -> [Double?] {
      try ResultTable(of: runs, columns: ["tpot_ms.mean"], where: condition, order: order).rows
        .map { $0[0].numericValue }
    }
    #expect(try values("policy = \"promoe\"") == [50, 60, 70, 80])
    #expect(try values("policy = 'promoe' and tpot_ms.mean < 65") == [50, 60])
    #expect(try values("cache.experts between 3 and 5") == [30, 40, 50])
    #expect(try values(nil, order: "tpot_ms.mean desc").first == 80)
    #expect(try values("\"cache.experts\" > 7") == [80])
    // A report has its replication too.
    let same = (0..<3).map { number in
      var one = run(number)
      one.entry.replication = UInt32(number)
      one.record = RunRecord(
        id: one.record.id, status: .ok,
        result: .object([.init("replication", .integer(Int64(number))), .init("seed", .integer(1))])
      )
      return one
    }
    let second = try ResultTable(
      of: same, columns: ["replication", "seed"], where: "replication = 1 and seed = 1")
    #expect(second.rows == [[.integer(1), .integer(1)]])
    for bad in ["polcy = 'a'", "policy =", "1; drop table run"] {
      #expect(throws: ResultTable.Problem.self) { try values(bad) }
    }
    #expect(throws: ResultTable.Problem.self) {
      try ResultTable(of: runs, columns: ["nothing"])
    }
  }

  @Test("compare the values of a key by paired differences with Holm's correction")
  func comparison() throws {
    // Three policies, ten replications that share a large common part.
    var runs: [MergedRun] = []
    for replication in 0..<10 {
      for (index, policy) in ["a", "b", "c"].enumerated() {
        var run = run(
          replication * 3 + index,
          value: Double(replication * replication) + Double(index) * 2
            + (index == 2 ? Double(replication % 2) * 20 - 10 : 0),
          policy: policy, replication: UInt32(replication))
        run.entry.labels = [policy, "1"]
        runs.append(run)
      }
    }
    let comparison = try AxisComparison(of: runs, axis: "policy", figure: "tpot_ms.mean")
    #expect(comparison.rows.map(\.value) == ["b", "c"])
    let first = try #require(comparison.rows[0].difference)
    #expect(first.mean == 2 && first.low == 2 && first.high == 2)
    #expect((comparison.rows[0].independentHalfWidth ?? 0) > 10)
    let second = try #require(comparison.rows[1].difference)
    #expect(second.adjustedPValue ?? 0 > 0.05)
    #expect(throws: AxisComparison.Problem.self) {
      try AxisComparison(of: runs, axis: "hardware", figure: "tpot_ms.mean")
    }
  }
}
