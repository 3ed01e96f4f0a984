// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@Suite("moesim validate")
struct ValidateCommandTests {
  let scratch: Scratch
  let file: String

  init() throws {
    scratch = try Scratch()
    file = try scratch.write(Self.text(published: "1e6"), to: "tiny.yaml")
  }

  private static func text(published: String) -> String {
    """
    system: tiny
    summary: A test.
    source: nobody
    scenario:
      hardware: rtx-4090-desktop
      model:
        {architectures: [MixtralForCausalLM], model_type: mixtral, hidden_size: 1024,
         intermediate_size: 3584, num_hidden_layers: 2, num_attention_heads: 16,
         num_key_value_heads: 4, vocab_size: 32000, num_local_experts: 8, num_experts_per_tok: 2,
         max_position_embeddings: 32768, tie_word_embeddings: false, torch_dtype: bfloat16}
      cache: {experts: 50%, kv: 1 GiB}
      routing: {generator: typical}
      workload:
        arrivals: {process: closed-loop, users: 1}
        lengths: {prompt: {distribution: constant, value: 8},
                  output: {distribution: constant, value: 8}}
        requests: 2
      run: {warmup: 0}
    runs:
      lru: {set: {policy: lru}}
      all: {set: {cache.experts: all}}
    cases:
      - {id: hits, what: hit rate with all resident, value: {run: all, metric: expert_cache.hit_rate},
         published: 1, grade: derived, source: arithmetic, status: counted}
      - {id: speed, what: time per token, value: {run: lru, metric: tpot_ms.mean},
         published: \(published), unit: ms, grade: notes, source: nowhere, status: counted}
    orderings:
      - {what: room pays, metric: tpot_ms.mean, better: lower, runs: [all, lru], source: nowhere}
    """
  }

  @Test("Prints simulated and published, and exits with 0 however far apart they are")
  func table() throws {
    let outcome = try Program.run(["validate", file])
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(outcome.output.contains("BEYOND") && outcome.output.contains("1 of 1 reproduced"))
  }

  @Test("Exits with 2 under --strict when a case is beyond its tolerance")
  func strict() throws {
    let outcome = try Program.run(["validate", file, "--strict"])
    #expect(outcome.code == 2 && outcome.errors.contains("beyond its tolerance"))
    let single = try Program.run(["validate", "--strict", "\(file)/hits"])
    #expect(single.code == 0 && !single.output.contains("orderings"), "\(single.errors)")
  }

  @Test("Lists cases without running them")
  func list() throws {
    let outcome = try Program.run(["validate", file, "--list", "--format", "json"])
    let rows = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]]
    #expect(rows?.map { $0["name"] as? String } == ["tiny/hits", "tiny/speed"])
    #expect(try Program.run(["validate", file, "--list", "--strict"]).code == 64)
  }

  @Test("Writes the report to a file, in the format asked for")
  func output() throws {
    let path = scratch.path("report.json")
    let outcome = try Program.run(["validate", file, "--format", "json", "--output", path])
    #expect(outcome.code == 0 && outcome.output.isEmpty && outcome.errors.isEmpty)
    let record =
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path)))
      as? [String: Any]
    #expect(record?["schema_version"] as? String == "1.0")
  }

  @Test("Names what is missing and what is wrong")
  func errors() throws {
    let missing = try Program.run(["validate", "no-such-system"])
    #expect(missing.code == 66 && missing.errors.contains("no-such-system"))
    let noCase = try Program.run(["validate", "\(file)/hit"])
    #expect(noCase.code == 66 && noCase.errors.contains("did you mean 'tiny/hits'?"))
    let bad = try scratch.write(Self.text(published: "soon"), to: "bad.yaml")
    let wrong = try Program.run(["validate", bad])
    #expect(wrong.code == 65 && wrong.errors.contains("bad.yaml:"))
    #expect(try Program.run(["check", bad]).code == 65)
    #expect(try Program.run(["check", file]).output.contains("reference cases of tiny, right"))
  }

  @Test("The shipped files are right", arguments: try! shippedFiles())
  func shipped(file: String) throws {
    let outcome = try Program.run(["check", file])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let name = URL(filePath: file).deletingPathExtension().lastPathComponent
    #expect(outcome.output.contains("reference cases of \(name), right"), "its name is its system")
  }

  private static func shippedFiles() throws -> [String] {
    let folder = Checkout.root.appending(path: "reference-cases").path
    return try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
  }
}
