// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Testing

@testable import Experiments

@Suite("Mistakes in scenarios")
struct ScenarioErrorTests {
  let files: TemporaryLibrary

  init() throws { files = try TemporaryLibrary() }

  private func problems(_ yaml: String, set overrides: [String] = []) -> [Diagnostic] {
    do {
      _ = try files.scenario(yaml, set: overrides)
      return []
    } catch let error as Diagnostics {
      return error.all
    } catch {
      return [Diagnostic(location: nil, path: "?", message: "\(type(of: error)): \(error)")]
    }
  }

  @Test("All of them are told at once, with their places")
  func together() throws {
    let found = problems(
      """
      hardware: small-box
      model: tiny
      polcy: lru
      workload: {trace: requests.csv, rate_scale: -1}
      cache: {experts: 120%, pool: per_layer}
      slo: {tpot_p99: 100 GB, ttft_p98: 1 s}
      run: {seed: -4, warmup: soon}
      serving: {replicas: 0}
      """)
    let expected: [(path: String, line: Int, says: String)] = [
      ("polcy", 3, "did you mean 'policy'"), ("workload.rate_scale", 4, "out of range"),
      ("cache.experts", 5, "120%"), ("cache.pool", 5, "did you mean 'per-layer'"),
      ("slo.tpot_p99", 6, "duration"), ("slo.ttft_p98", 6, "did you mean"),
      ("run.seed", 7, "out of range"), ("run.warmup", 7, "'soon'"),
      ("serving.replicas", 8, "out of range"),
    ]
    for (path, line, says) in expected {
      #expect(
        found.contains {
          $0.path == path && $0.message.contains(says) && $0.location?.line == line
            && $0.location?.column ?? 0 >= 1
        }, "\(path): \(found.map(\.description))")
    }
    #expect(found.count == expected.count, "\(found.map(\.description))")
  }

  @Test(
    "Single mistakes",
    arguments: [
      ("policy.eviction=lur", "policy.eviction", "did you mean 'lru'"),
      ("policy.prefetch={name: all, depth: 3}", "policy.prefetch.depth", "unknown key"),
      ("policy.prefetch={name: al}", "policy.prefetch.name", "did you mean 'all'"),
      (
        "policy.prefetch={name: predicted, dept: 2}", "policy.prefetch.dept", "did you mean 'depth'"
      ),
      ("policy.prefetch={name: predicted, depth: 0}", "policy.prefetch.depth", "out of range"),
      ("policy.prefetch={name: predicted, count: 0.5}", "policy.prefetch.count", "whole number"),
      ("policy.prefetch={depth: 2, count: 1}", "policy.prefetch.depth", "unknown key"),
      ("policy.eviction={name: lru, k: 3}", "policy.eviction.k", "unknown key"),
      ("policy.prediction=orakle", "policy.prediction", "did you mean 'oracle'"),
      ("policy.prediction=recall", "policy.prediction", "'recall': recall: is missing"),
      ("policy.prediction={name: recall}", "policy.prediction.recall", "is missing"),
      ("policy.prediction={name: recall, recall: 120%}", "policy.prediction.recall", "120%"),
      (
        "policy.prediction={name: recall, recall: [0.9, 2]}", "policy.prediction.recall[1]",
        "out of range"
      ),
      ("policy.prediction={name: recall, recall: []}", "policy.prediction.recall", "list of 0"),
      (
        "policy.prediction={name: recall, recall: [0.9, 0.8], distance: 3}",
        "policy.prediction.recall", "2 shares for 3 distances"
      ),
      ("policy.prediction={name: oracle, distance: 3}", "policy.prediction.distance", "unknown"),
      ("policy.prediction=oracle", "policy.prediction", "has no use"),
      ("policy.prefetch=predicted", "policy.prefetch", "set policy.prediction to oracle"),
      (
        "policy={prefetch: {name: predicted, depth: 3}, prediction: {name: recall, recall: 0.9}}",
        "policy.prefetch", "3 layers ahead, but the predictor 'recall' sees 1"
      ),
      ("policy.chunks=0", "policy.chunks", "out of range"),
      ("policy=3", "policy.preset", "?"),
      (
        "workload={arrivals: {process: poisson, rate: 1/s}, lengths: {prompt: 1, output: 1}}",
        "workload", "no end"
      ),
      ("workload.requests=.inf", "workload.requests", "whole number"),
      ("precision.experts=intx", "precision.experts", "intx"),
      ("precision.expert=int4", "precision.expert", "did you mean 'experts'"),
      (
        "serving.parallelism={tensor: 4, expert: 3}", "serving.parallelism.expert",
        "expected one of 1, 2, 4"
      ),
      ("serving.parallelism.tensor=0", "serving.parallelism.tensor", "out of range"),
      ("serving.expert_dispatch=by-post", "serving.expert_dispatch", "all-to-all"),
      ("routing.generator=[1]", "routing.generator", "text"),
      ("routing={generator: tiny, trace: experts.bin}", "routing.trace", "only one"),
      ("cache.kv=12 s", "cache.kv", "duration"), ("hardware=[]", "hardware", "text"),
      ("run.seed.x=3", "run.seed.x", "holds no keys"), ("noequals", "", "path.to.key=value"),
      ("=3", "", "path.to.key=value"), ("a..b=3", "", "no key path"),
    ])
  func single(override: String, path: String, says: String) throws {
    // Where the path is in the defaults alone, a setting below a plain value is refused as well.
    let base = TemporaryLibrary.base + "\nrun: {seed: 5}\n"
    let found = problems(base, set: [override])
    if says == "?" {
      #expect(found.count == 1 && found[0].message.contains("MissingFile"), "\(found)")
      return
    }
    #expect(
      found.contains { $0.path == path && $0.message.contains(says) },
      "\(found.map(\.description))")
    #expect(
      found.allSatisfy { $0.location?.file.hasPrefix("--set") == true },
      "\(found.map(\.description))")
  }

  @Test("What is absent is told apart, with what was probably meant")
  func missing() throws {
    for (override, says) in [
      ("hardware=smal-box", "did you mean 'small-box'"), ("model=tinny", "did you mean 'tiny'"),
      ("workload.trace=request.csv", "did you mean 'requests.csv'"),
      ("policy.preset=greedi", "did you mean 'greedy'"), ("hardware.link.x=1", ""),
    ] {
      do {
        _ = try files.scenario(TemporaryLibrary.base, set: [override])
        #expect(says.isEmpty, "\(override)")
      } catch let error as MissingFile {
        #expect(error.description.contains(says), "\(error)")
        #expect(error.description.contains("--set \(override)"), "\(error)")
      }
    }
    #expect(throws: MissingFile.self) { try Scenario.load("nothing", library: files.library) }
  }

  @Test("Files that are no scenario are refused")
  func noScenario() throws {
    for text in ["", "- 1\n- 2\n", "plain", "a: [1", "a: 1\na: 2\n", "hardware: &a [*a]\n"] {
      #expect(throws: Diagnostics.self, "\(text)") { _ = try files.scenario(text) }
    }
  }

  @Test("Damaged files end in a scenario or in a located error", arguments: [UInt64(1), 2, 3])
  func fuzz(seed: UInt64) throws {
    #if DEBUG
      let rounds = 120
    #else
      let rounds = 1500
    #endif
    let original = Array(
      (TemporaryLibrary.base + "\ncache: {experts: 35%, kv: 2 GiB}\nrun: {seed: 1, warmup: auto}\n")
        .utf8)
    var state = seed &* 0x9E37_79B9_7F4A_7C15
    func random(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(bound))
    }
    let telling = Array(":-[]{},&*#|>'\"\n 09.%\t!~".utf8)
    var refused = 0
    for _ in 0..<rounds {
      var bytes = original
      for _ in 0...random(3) {
        let place = random(bytes.count)
        switch random(4) {
        case 0: bytes[place] = telling[random(telling.count)]
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(telling[random(telling.count)], at: place)
        default: bytes.removeSubrange(place..<min(bytes.count, place + random(12)))
        }
      }
      do {
        let text = String(decoding: bytes, as: UTF8.self)
        let node = try ConfigurationNode.parse(text, file: "fuzz.yaml")
        _ = try Scenario.read(
          node, file: "\(files.root)/scenarios/fuzz.yaml", library: files.library)
      } catch let error as Diagnostics {
        refused += 1
        #expect(!error.all.isEmpty)
      } catch is MissingFile {
        refused += 1
      }
    }
    #expect(refused > 0 && refused < rounds)
  }
}
