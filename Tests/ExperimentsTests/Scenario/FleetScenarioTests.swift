// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import ModelDescriptors
import Serving
import TestSupport
import Testing

@testable import Experiments

@Suite("Fleets in scenarios")
struct FleetScenarioTests {
  let files: TemporaryLibrary

  init() throws { files = try TemporaryLibrary() }

  private func fleet(_ yaml: String, set overrides: [String] = []) throws -> ScenarioFleet {
    try files.scenario(TemporaryLibrary.base + "\nfleet:\n" + yaml, set: overrides).fleet
  }

  private func problems(_ yaml: String) -> [String] {
    do {
      _ = try fleet(yaml)
      return []
    } catch let error as Diagnostics {
      return error.all.map { "\($0.path): \($0.message)" }
    } catch { return ["\(error)"] }
  }

  @Test("A scenario without one is one group of replicas that nothing befalls")
  func defaults() throws {
    let fleet = try files.scenario(TemporaryLibrary.base).fleet
    #expect(fleet.isPlain && fleet.requestRouting.name == "round-robin")
    #expect(fleet.retries == RetryPolicy(attempts: 3, delaySeconds: 1, backoff: 2))
    #expect(fleet.gateway == GatewaySettings() && fleet.groups.isEmpty && fleet.wideArea == nil)
    // Repetitions without failures change nothing.
    #expect(
      try files.scenario(TemporaryLibrary.base, set: ["fleet.retries.attempts=1"]).fleet.isPlain)
  }

  @Test("Every part is read")
  func whole() throws {
    let fleet = try fleet(
      """
        hosts: 64
        request_routing: {name: kv-aware, overlap_weight: 2, temperature: 0.5}
        gateway: {latency: {distribution: lognormal, mean: 30 ms, p50: 20 ms}, concurrency: 500}
        response_cache: {capacity: 100000, lookup: 2 ms}
        failures:
          - {at: 60 s, what: replica 3, for: 30 s}
          - {at: 2 min, what: link host2.nic0, factor: 50%}
          - {what: gpu, mtbf: 10 h, mttr: 5 min}
        autoscaling: {metric: kv, target: 70%, min: 2, max: 9, start_up: 90 s}
        retries: {attempts: 5, delay: 100 ms, backoff: 1.5}
        groups:
          - {name: small, replicas: 3, share: 3}
          - {name: large, model: tiny, hardware: big-box, precision: {experts: int4},
             replicas: 1, parallelism: {tensor: 4, data: 2, expert: 8}}
      """)
    #expect(!fleet.isPlain && fleet.hosts == 64)
    #expect(fleet.requestRouting.parameters.number("temperature") == 0.5)
    #expect(fleet.gateway.latency == .lognormal(mean: 0.03, median: 0.02))
    #expect(fleet.gateway.concurrency == 500)
    #expect(
      fleet.responseCache
        == ResponseCacheSettings(.identity(capacity: 100_000), lookupSeconds: 0.002))
    #expect(
      fleet.failures.entries == [
        .init(.part(.replica, 3), .once(atSeconds: 60, forSeconds: 30)),
        .init(.link("host2.nic0"), .once(atSeconds: 120, forSeconds: nil), factor: 0.5),
        .init(.every(.gpu), .random(meanBetweenSeconds: 36_000, meanRepairSeconds: 300)),
      ])
    #expect(fleet.failureLocations.map(\.line) == [12, 13, 14])
    #expect(
      fleet.autoscaling
        == Autoscaler(metric: .kv, target: 0.7, minimum: 2, maximum: 9, startUpSeconds: 90))
    #expect(fleet.retries == RetryPolicy(attempts: 5, delaySeconds: 0.1, backoff: 1.5))
    #expect(fleet.groups.map(\.name) == ["small", "large"] && fleet.groups.map(\.share) == [3, 1])
    #expect(fleet.groups[0].model == nil && fleet.groups[0].parallelism == nil)
    #expect(fleet.groups[1].hardware?.text == "big-box" && fleet.groups[1].model?.text == "tiny")
    #expect(
      fleet.groups[1].parallelism
        == ParallelPlan(tensor: 4, pipeline: 1, data: 2, expert: 8))
    #expect(fleet.groups[1].precision?["experts"]?.bitsPerWeight == 4)
  }

  @Test(
    "Mistakes are told with the key and what would be right",
    arguments: [
      ("request_routing: kv-awar", "fleet.request_routing: ", "did you mean 'kv-aware'"),
      (
        "request_routing: {name: random, measure: tokens}", "fleet.request_routing.measure: ",
        "unknown key"
      ),
      ("request_routing: categorical", "fleet.request_routing: ", "fleet.groups is missing"),
      ("request_rooting: random", "fleet.request_rooting: ", "did you mean 'request_routing'"),
      ("gateway: {latency: -1 s}", "fleet.gateway.latency: ", "out of range"),
      (
        "gateway: {latency: {distribution: lognormal, mean: 1 ms, p50: 2 ms}}",
        "fleet.gateway.latency.p50: ", "above the mean"
      ),
      ("response_cache: {lookup: 1 ms}", "fleet.response_cache.hit_probability: ", "is missing"),
      ("response_cache: {hit_probability: 120%}", "fleet.response_cache.hit_prob", "out of range"),
      (
        "response_cache: {hit_probability: 0.5, capacity: 9}", "fleet.response_cache.capacity: ",
        "stands beside hit_probability"
      ),
      ("failures: [{what: replica 1}]", "fleet.failures[0].at: ", "it, or mtbf, says when"),
      ("failures: [{at: 1 s, for: 1 s}]", "fleet.failures[0].what: ", "is missing"),
      ("failures: [{at: 1 s, what: replca 1}]", "fleet.failures[0].what: ", "mean 'replica'"),
      ("failures: [{at: 1 s, what: replica one}]", "fleet.failures[0].what: ", "'replica 3'"),
      ("failures: [{at: 1 s, what: gpu}]", "fleet.failures[0].what: ", "'gpu 0'"),
      ("failures: [{at: 1 s, mttr: 1 s, what: gpu 1}]", "fleet.failures[0].mttr: ", "'for'"),
      ("failures: [{mtbf: 1 h, what: gpu}]", "fleet.failures[0].mttr: ", "is missing"),
      ("failures: [{at: 1 s, what: gpu 1, factor: 2}]", "fleet.failures[0].factor: ", "out of"),
      ("failures: [{at: 1 s, what: server 1}]", "fleet.failures: ", "wide_area, which is missing"),
      ("autoscaling: {metric: kv, target: 50%}", "fleet.autoscaling.max: ", "is missing"),
      ("autoscaling: {metric: kv, target: 3, max: 2}", "fleet.autoscaling.target: ", "out of"),
      ("autoscaling: {metric: cpu, target: 1, max: 2}", "fleet.autoscaling.metric: ", "none of"),
      (
        "autoscaling: {metric: kv, target: 1, min: 5, max: 2}", "fleet.autoscaling.max: ",
        "2 is below min, 5"
      ),
      ("retries: {attempts: -1}", "fleet.retries.attempts: ", "out of range"),
      ("groups: [{name: a}]", "fleet.groups[0].replicas: ", "is missing"),
      (
        "groups: [{name: a, replicas: 1}, {name: a, replicas: 1}]", "fleet.groups[1].name: ",
        "another group"
      ),
      ("groups: [{name: a, replicas: 1, share: 0}]", "fleet.groups: ", "above 0"),
      (
        "groups: [{name: a, replicas: 1, parallelism: {tensr: 2}}]", "fleet.groups[0].paral",
        "tensor"
      ),
      (
        "{groups: [{name: a, replicas: 9}], autoscaling: {metric: kv, target: 1, max: 2}}",
        "fleet.groups: ", "more than autoscaling.max, 2"
      ),
      (
        "wide_area: {servers: 2, bandwidth: 1 MB/s, block_time: 1 ms, further_token_time: 1 us}",
        "fleet.wide_area.round_trip: ", "is missing"
      ),
    ])
  func mistakes(yaml: String, path: String, says: String) {
    let found = problems("  " + yaml)
    #expect(found.count == 1, "\(found)")
    #expect(found.contains { $0.hasPrefix(path) && $0.contains(says) }, "\(found)")
  }

  private let pipeline = """
      wide_area:
        servers: 3
        round_trip: 100 ms
        bandwidth: 100 Mbit/s
        block_time: 5 ms
        further_token_time: 0.1 ms
    """

  @Test("A wide-area pipeline is divided among its servers, or as written")
  func wideArea() throws {
    let read = try #require(try fleet(pipeline).wideArea)
    let model = try ModelDescriptor.named("llama-3.1-70b")
    let settings = try read.settings(for: model, precision: .native(of: model), failures: .init())
    #expect(settings.blocks == 80 && settings.activationBytes == 8192 * 2)
    #expect(settings.servers.map(\.firstBlock) == [0, 27, 54])
    #expect(settings.servers.map(\.blockCount) == [27, 27, 26])
    #expect(settings.servers[0].bandwidth == 12.5e6 && settings.clientBandwidth == 12.5e6)
    #expect(settings.overheadSeconds == 0.018 && settings.relay == .servers)
    let list =
      "fleet.wide_area.servers=[{first_layer: 0, layers: 50, count: 2}, {first_layer: 40, layers: 40, round_trip: 20 ms}]"
    let each = try #require(try fleet(pipeline, set: [list]).wideArea)
    let written = try each.settings(for: model, precision: .native(of: model), failures: .init())
    #expect(written.servers.map(\.firstBlock) == [0, 0, 40])
    #expect(written.servers.map(\.roundTripSeconds) == [0.1, 0.1, 0.02])
    let hole =
      "fleet.wide_area.servers=[{first_layer: 0, layers: 50}, {first_layer: 51, layers: 29}]"
    let broken = try #require(try fleet(pipeline, set: [hole]).wideArea)
    #expect {
      try broken.settings(for: model, precision: .native(of: model), failures: .init())
    } throws: { "\($0)".contains("no server holds layer 50") }
    let many = try #require(try fleet(pipeline, set: ["fleet.wide_area.servers=81"]).wideArea)
    #expect {
      try many.settings(for: model, precision: .native(of: model), failures: .init())
    } throws: { "\($0)".contains("81 servers are more than the 80 layers") }
  }

  @Test("What a wide-area pipeline has no use for is refused")
  func exclusive() {
    let others = problems(
      pipeline + "\n  request_routing: random\n  groups: [{name: a, replicas: 1}]\n"
        + "  failures: [{what: gpu 1, at: 1 s}]\n")
    #expect(others.count == 3, "\(others)")
    #expect(others.contains { $0.hasPrefix("fleet.request_routing: has no use") })
    #expect(others.contains { $0.hasPrefix("fleet.groups: has no use") })
    #expect(others.contains { $0.hasPrefix("fleet.failures: entry 0 is about a gpu") })
    #expect(problems(pipeline + "\n  failures: [{what: server 1, at: 1 s}]\n").isEmpty)
  }

  @Test("Every key of entries that the description names can be set")
  func described() throws {
    let text = try String(
      contentsOf: Checkout.root.appending(path: "docs/scenario.md"), encoding: .utf8)
    let lines = text.components(separatedBy: "\n")
    for (title, entry) in [
      ("failures", "fleet.failures=[{KEY: {no: value}}]"),
      ("groups", "fleet.groups=[{KEY: {no: value}}]"),
      ("servers", "fleet.wide_area.servers=[{KEY: {no: value}}]"),
    ] {
      let first = try #require(lines.firstIndex { $0.hasPrefix("| `\(title)` | meaning") })
      let rows = lines[(first + 2)...].prefix { $0.hasPrefix("| `") }
      let keys = rows.flatMap { row in
        row.split(separator: "|")[0].split(separator: ",").map {
          $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
        }
      }
      #expect(keys.count >= 5)
      for key in keys {
        do {
          _ = try files.scenario(
            TemporaryLibrary.base, set: [entry.replacing("KEY", with: key)])
        } catch let error as Diagnostics {
          #expect(!error.all.contains { $0.message.contains("unknown key '\(key)'") }, "\(key)")
        } catch {}
      }
    }
  }

  @Test("The shipped fleets are read", arguments: try! scenarioFiles())
  func shipped(file: String) throws {
    let scenario = try Scenario.load(file)
    #expect(!scenario.fleet.isPlain)
    #expect(scenario.name == URL(filePath: file).deletingPathExtension().lastPathComponent)
    if scenario.fleet.wideArea == nil {
      #expect(scenario.fleet.groups.allSatisfy { $0.parallelism != nil })
    }
  }

  @Test("Expert Router's three scenarios have as many GPUs")
  func equalGPUs() throws {
    let gpus = try ["small", "large", "tensor"].map { kind in
      let file = Checkout.root.appending(path: "scenarios/fleet/expert-router-\(kind).yaml").path
      return try Scenario.load(file).fleet.groups.reduce(0) {
        $0 + $1.replicas * ($1.parallelism?.tensor ?? 1)
      }
    }
    #expect(gpus == [20, 20, 20])
  }

  private static func scenarioFiles() throws -> [String] {
    let folder = Checkout.root.appending(path: "scenarios/fleet").path
    return try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
  }
}
