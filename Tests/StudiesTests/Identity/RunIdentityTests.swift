// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Foundation
import Testing

@testable import Studies

@Suite("Identities of runs")
struct RunIdentityTests {
  private func points(_ more: String, overrides: [String] = []) throws -> [String] {
    var study = try StudyFixture.study(more)
    study.overrides = overrides
    return try SweepPlanner(study, library: StudyFixture.library).points.compactMap {
      $0.identity?.point
    }
  }

  @Test(
    "do not depend on what changes no result",
    arguments: [
      "name: another", "description: words", "run: {replications: 7}", "run: {seed: 0}",
      "serving: {max_batch: 64}",
    ])
  func labels(more: String) throws {
    let base = try points("")
    // Defaults written out are the same scenario.
    let defaults = try Scenario.read(
      try ConfigurationNode.parse(StudyFixture.scenario, file: "a.yaml"), file: "a.yaml",
      library: StudyFixture.library
    ).tree
    if more.hasPrefix("serving") {
      let written = defaults.value(at: "serving.max_batch")?.scalar ?? ""
      #expect(try points("serving: {max_batch: \(written)}") == base)
    } else if more.contains("seed") {
      let written = defaults.value(at: "run.seed")?.scalar ?? ""
      #expect(try points("run: {seed: \(written)}") == base)
    } else {
      #expect(try points(more) == base)
    }
  }

  @Test(
    "are of quantities, however they are written",
    arguments: [
      ("workload.arrivals.rate=0.2/s", "workload.arrivals.rate=0.20/s"),
      ("cache.kv=1 GiB", "cache.kv=1024 MiB"), ("run.duration=60 s", "run.duration=1 min"),
      ("workload.requests=12", "workload.requests=1.2e1"),
    ])
  func units(first: String, second: String) throws {
    #expect(try points("", overrides: [first]) == points("", overrides: [second]))
  }

  @Test(
    "depend on all that changes a result",
    arguments: [
      "run.seed=4", "workload.requests=13", "cache.experts=25%", "hardware=rtx-5090-desktop",
      "policy=lfu", "precision.kv=fp8", "slo.ttft_p99=1 s",
    ])
  func changes(setting: String) throws {
    #expect(try points("", overrides: [setting]) != points(""))
  }

  @Test("depend on the contents of named files, not on their names")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ids-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func identity(_ rows: String) throws -> [String] {
      let trace = folder.appending(path: "trace.csv")
      try Data(rows.utf8).write(to: trace)
      return try points("", overrides: ["workload={trace: '\(trace.path)', requests: 2}"])
    }
    let header = "arrival_s,prompt_tokens,output_tokens\n"
    let first = try identity(header + "0,8,2\n1,8,2\n")
    #expect(try identity(header + "0,8,2\n1,8,3\n") != first)
    #expect(try identity(header + "0,8,2\n1,8,2\n") == first)
  }

  @Test("differ between replications, and pilots and runs")
  func replications() throws {
    let tree = try ConfigurationNode.parse("a: 1", file: "x")
    let run = RunIdentity(tree: tree, kind: .run, files: [])
    let pilot = RunIdentity(tree: tree, kind: .pilot, files: [])
    #expect(Set([run.run(0), run.run(1), pilot.run(0), pilot.run(1)]).count == 4)
    // Computed beside this by another language: Python's hashlib over the same canonical text.
    let text = "{\"point\":\"\(run.point)\",\"replication\":0}"
    #expect(run.run(0) == ContentDigest(of: text).hexadecimal)
    #expect(
      run.point
        == ContentDigest(
          of: "{\"files\":[],\"kind\":\"run\",\"results_version\":\(ResultsVersion.current),"
            + "\"scenario\":{\"a\":1}}"
        ).hexadecimal)
  }

  @Test("the version of results is raised with the recorded report")
  func version() throws {
    // Whoever changes results changes the recorded report, and must raise ResultsVersion.current and
    // this digest with it: stores would else mix results of both.
    let recorded = [
      1: "6f712480fd5316274c68e69a6904a2b07b4b9b2964d9ff2ab9e2e8c2b0701bb6",
      2: "c02267083d0a67127f47a5e123e9256063f08046f16351660868852fdf47a696",
    ]
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Golden/quickstart-12.json").path
    #expect(try ContentDigest(ofFile: path).hexadecimal == recorded[ResultsVersion.current])
  }
}
