// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Foundation
import Testing

@testable import Studies

@Suite("Shards")
struct ShardRunnerTests {
  private static let over = "vary: {over: {cache.experts: [25%, 50%], run.seed: 1..3+1}}"

  @Test("give the same bytes whatever their number and that of their threads")
  func divisions() throws {
    let fixture = try StudyFixture()
    let study = try StudyFixture.study(Self.over)
    let one = try fixture.plan(study, shards: 1)
    try fixture.runAll(one, in: "one")
    let expected = try fixture.merged(one, in: "one")
    #expect(expected.count == 6)
    #expect(expected.allSatisfy { $0.contains("\"status\":\"ok\"") })
    let four = try fixture.plan(study, shards: 4)
    try fixture.runAll(four, in: "four", threads: 3)
    #expect(try fixture.merged(four, in: "four") == expected)
  }

  @Test("take over the whole lines of an attempt that was killed, wherever it was cut")
  func salvage() throws {
    let fixture = try StudyFixture()
    let plan = try fixture.plan(try StudyFixture.study(Self.over), shards: 1)
    try fixture.runAll(plan, in: "whole")
    let expected = try fixture.merged(plan, in: "whole")
    let files = ShardFiles(
      folder: "\(fixture.folder)/whole", plan: plan.digest, shard: 0, of: 1)
    let bytes = try Data(contentsOf: URL(filePath: files.final))
    for cut in stride(from: 0, through: bytes.count, by: max(1, bytes.count / 9)) {
      let name = "cut\(cut)"
      try FileManager.default.createDirectory(
        atPath: "\(fixture.folder)/\(name)", withIntermediateDirectories: true)
      let part = URL(filePath: files.final).deletingPathExtension().lastPathComponent
      try bytes.prefix(cut).write(
        to: URL(filePath: "\(fixture.folder)/\(name)/\(part).elsewhere.1.2.part"))
      try fixture.runAll(plan, in: name)
      #expect(try fixture.merged(plan, in: name) == expected)
      #expect(
        ShardFiles(folder: "\(fixture.folder)/\(name)", plan: plan.digest, shard: 0, of: 1).parts
          .isEmpty)
    }
  }

  @Test("leave a finished shard alone")
  func finished() throws {
    let fixture = try StudyFixture()
    let plan = try fixture.plan(try StudyFixture.study(), shards: 1)
    let runner = {
      ShardRunner(
        plan: plan, shard: 0, folder: "\(fixture.folder)/x", library: StudyFixture.library)
    }
    #expect(try runner().run() == .published)
    #expect(try runner().run() == .stoodFinished)
  }

  @Test(
    "give up a run of which the process died, and no other",
    arguments: [(2, 2, true), (1, 1, false), (0, 3, false), (0, 4, true), (1, 4, false)])
  func poison(crashes: Int, starts: Int, isGivenUp: Bool) throws {
    let fixture = try StudyFixture()
    let plan = try fixture.plan(try StudyFixture.study(Self.over), shards: 1)
    let id = try plan.id(at: 2)
    let files = ShardFiles(folder: "\(fixture.folder)/x", plan: plan.digest, shard: 0, of: 1)
    try FileManager.default.createDirectory(
      atPath: files.folder, withIntermediateDirectories: true)
    var text = ""
    for _ in 0..<starts { text += ShardFiles.startedLine(id) }
    for _ in 0..<crashes { text += ShardFiles.crashedLine(id) }
    let part = URL(filePath: files.final).deletingPathExtension().path + ".host.1.1.part"
    try Data(text.utf8).write(to: URL(filePath: part))
    try fixture.runAll(plan, in: "x")
    let runs = try SweepMerge(plan: plan, folder: files.folder, partial: false).runs
    #expect(runs.count == 6)
    #expect(runs.filter { $0.record.status == .crashed }.map(\.entry.id) == (isGivenUp ? [id] : []))
  }

  @Test("record what does not fit, what fails and what takes too long, and go on")
  func failures() throws {
    let fixture = try StudyFixture()
    let study = try StudyFixture.study(
      "vary: {over: {cache.kv: [1 GiB, 300 GiB], model: [mixtral-8x7b, no-such-model]}}")
    let plan = try fixture.plan(study, shards: 2)
    try fixture.runAll(plan, in: "x")
    let runs = try SweepMerge(plan: plan, folder: "\(fixture.folder)/x", partial: false).runs
    #expect(runs.map(\.record.status) == [.ok, .failed, .infeasible, .failed])
    #expect(runs[1].record.message?.contains("no-such-model") == true)
    #expect(runs[2].record.message?.contains("does not fit") == true)
    var slow = try StudyFixture.study("vary: {over: {run.seed: [1, 2]}, timeout: 1 ms}")
    slow.overrides = ["workload.requests=3000", "workload.arrivals.rate=5/s"]
    let late = try fixture.plan(slow, shards: 1)
    try fixture.runAll(late, in: "late")
    let given = try SweepMerge(plan: late, folder: "\(fixture.folder)/late", partial: false).runs
    #expect(given.map(\.record.status) == [.timeout, .timeout])
  }

  @Test("refuse files that have changed since the plan was made")
  func changedFiles() throws {
    let fixture = try StudyFixture()
    let trace = "\(fixture.folder)/trace.csv"
    try Data("arrival_s,prompt_tokens,output_tokens\n0,8,2\n".utf8).write(
      to: URL(filePath: trace))
    var study = try StudyFixture.study()
    study.overrides = ["workload={trace: '\(trace)'}"]
    let plan = try fixture.plan(study, shards: 1)
    try Data("arrival_s,prompt_tokens,output_tokens\n0,8,3\n".utf8).write(
      to: URL(filePath: trace))
    try fixture.runAll(plan, in: "x")
    let run = try #require(
      try SweepMerge(plan: plan, folder: "\(fixture.folder)/x", partial: false).runs.first)
    #expect(run.record.status == .failed)
    #expect(run.record.message?.contains("has changed since the plan was made") == true)
  }

  @Test("tell two different results of one run as the error that it is")
  func conflict() throws {
    var collection = RecordCollection()
    try collection.add(RunRecord(id: "a", status: .ok, result: .integer(1)))
    try collection.add(RunRecord(id: "a", status: .ok, result: .integer(1)))
    try collection.add(RunRecord(id: "a", status: .timeout))
    #expect(throws: RecordCollection.Conflict.self) {
      try collection.add(RunRecord(id: "a", status: .ok, result: .integer(2)))
    }
    #expect(collection.record(of: "a")?.result == .integer(1))
  }

  @Test("are counted and merged in part before all are finished")
  func partial() throws {
    let fixture = try StudyFixture()
    let plan = try fixture.plan(try StudyFixture.study(Self.over), shards: 3)
    let folder = "\(fixture.folder)/x"
    _ = try ShardRunner(plan: plan, shard: 1, folder: folder, library: StudyFixture.library).run()
    let status = try SweepStatus(plan: plan, folder: folder)
    #expect(status.done == 2)
    #expect(status.shards.map(\.state) == [.waiting, .finished, .waiting])
    #expect(throws: SweepMerge.Unfinished.self) {
      try SweepMerge(plan: plan, folder: folder, partial: false)
    }
    #expect(try SweepMerge(plan: plan, folder: folder, partial: true).runs.count == 2)
  }

  @Test(
    "plans that were cut off or are of another kind are refused",
    arguments: ["", "{}", "{\"schema\":\"moesim-sweep-plan\",\"schema_version\":\"9.0\"}"])
  func badPlans(text: String) throws {
    let fixture = try StudyFixture()
    let path = "\(fixture.folder)/plan.jsonl"
    try Data(text.utf8).write(to: URL(filePath: path))
    #expect(throws: SweepPlanFile.Problem.self) { try SweepPlanFile(path: path) }
  }
}
