// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving
import Synchronization
import TestSupport
import Testing

@testable import Experiments

/// Serving points simulated, on a model and a machine small enough to run many.
@Suite struct PointStudyTests {
  static let rules = """
    rules:
      - set:
          hardware: rtx-4090-desktop
          model:
            {architectures: [MixtralForCausalLM], model_type: mixtral, hidden_size: 512,
             intermediate_size: 1024, num_hidden_layers: 2, num_attention_heads: 8,
             num_key_value_heads: 4, vocab_size: 32000, num_local_experts: 8,
             num_experts_per_tok: 2, max_position_embeddings: 32768, tie_word_embeddings: false,
             torch_dtype: bfloat16}
          runtime: cuda-graphs
          routing: {generator: typical}
          cache: {experts: all, kv: 4 GiB}
          serving: {max_batch: 64, token_budget: 512}
          workload:
            arrivals: {process: closed-loop, users: "= concurrency"}
            lengths: {prompt: {distribution: constant, value: "= prompt"},
                      output: {distribution: constant, value: "= output"}}
            requests: "= 4 * concurrency"
          run: {warmup: 0, improvements: false}
    """

  static func point(
    _ id: String, concurrency: Int, ttft: Double = 1, tpot: Double = 1, model: String = "Org/M",
    isDisaggregated: Bool = false, pipeline: Int = 1
  ) -> ServingPoint {
    ServingPoint(
      id: id, line: 2, source: "", model: model, system: "box", backend: "vllm", version: "1",
      precision: "bf16", productFormat: "", expertFormat: "", isDisaggregated: isDisaggregated,
      prompt: 64, output: 16, concurrency: concurrency,
      recorded: .init(tensor: 1, pipeline: pipeline), ttftMs: ttft, tpotMs: tpot)
  }

  static func study(workers: Int = 1) throws -> PointStudy {
    let node = try ConfigurationNode.parse(rules, file: "r.yaml")
    var options = PointStudy.Options()
    options.workers = workers
    return PointStudy(rules: try PointRules(node, file: "r.yaml"), options: options)
  }

  @Test func `Errors are those of the scenario's own run`() throws {
    let study = try Self.study()
    let report = try study.run([Self.point("a", concurrency: 4, ttft: 2, tpot: 0.5)])
    let found = try study.rules.resolve(Self.point("a", concurrency: 4)).get()
    let result = try ScenarioExecution.execute(study.scenario(of: found)).results[0]
    let simulated = try #require(report.points.first)
    let tpot = try #require(result.tpotMs?.mean)
    #expect(simulated.simulatedTpotMs == tpot)
    #expect(simulated.tpotError == tpot / 0.5 - 1)
    #expect(simulated.ttftError == (result.ttftMs?.mean ?? 0) / 2 - 1)
  }

  @Test func `Any number of workers gives the same report`() throws {
    let table = (0..<6).map { Self.point("p\($0)", concurrency: 1 << $0) }
    let one = try Self.study().run(table)
    let four = try Self.study(workers: 4).run(table)
    #expect(one.points.map(\.id) == four.points.map(\.id))
    #expect(one.points.map(\.simulatedTtftMs) == four.points.map(\.simulatedTtftMs))
    #expect(
      one.curves.count == 1 && one.curves[0].steps.map(\.concurrency) == [1, 2, 4, 8, 16, 32])
  }

  @Test func `Repeated measurements count once, others are left out with a reason`() throws {
    let report = try Self.study().run([
      Self.point("a", concurrency: 2), Self.point("again", concurrency: 2),
      Self.point("d", concurrency: 2, isDisaggregated: true),
      Self.point("p", concurrency: 2, pipeline: 2),
    ])
    #expect(report.points.map(\.id) == ["a"] && report.duplicates == 1)
    #expect(report.disaggregated == 1)
    #expect(report.refusals.map(\.example) == ["p"])
  }

  @Test(arguments: [(1.004, 1.0, 1), (1, 0.995, 1), (1.02, 1, 0), (1, 0.98, 0)])
  func `A measurement rounded to two decimals is the same`(
    ttft: Double, tpot: Double, duplicates: Int
  ) throws {
    let report = try Self.study().run([
      Self.point("a", concurrency: 2),
      Self.point("again", concurrency: 2, ttft: ttft, tpot: tpot),
    ])
    #expect(report.duplicates == duplicates && report.points.count == 2 - duplicates)
  }

  @Test(arguments: [
    "serving.prompt_balance=5", "serving={prompt_balance: 5, parallelism: {tensor: 2}}",
  ])
  func `Prompts of a single rank are not balanced`(override: String) throws {
    var study = try Self.study()
    study.options.overrides = [override]
    let report = try study.run([Self.point("a", concurrency: 2)])
    #expect(report.points.isEmpty)
    #expect(report.refusals.first?.reason.contains("a single rank has no others") == true)
  }

  @Test func `Measurements of one scenario have one run, and each its own error`() throws {
    let runs = Mutex(0)
    let report = try Self.study().run(
      [
        Self.point("a", concurrency: 2, tpot: 1), Self.point("b", concurrency: 2, tpot: 4),
        Self.point("c", concurrency: 4, tpot: 1),
      ]
    ) { _, total in runs.withLock { $0 = total } }
    #expect(runs.withLock { $0 } == 2)
    let points = report.points.sorted { $0.id < $1.id }
    #expect(points.map(\.id) == ["a", "b", "c"])
    #expect(points[0].simulatedTpotMs == points[1].simulatedTpotMs)
    #expect(points[0].simulatedTpotMs != points[2].simulatedTpotMs)
    #expect(points[1].tpotError == points[1].simulatedTpotMs / 4 - 1)
  }

  @Test func `A fitted constant of steps is the one that the measurements were made with`() throws {
    var study = try Self.study()
    study.options.overrides = ["runtime={base: cuda-graphs, per_step: 900 us}"]
    let table = [1, 4, 16].map { Self.point("p\($0)", concurrency: $0) }
    let truth = try study.run(table).points.sorted { $0.concurrency < $1.concurrency }
    let measured =
      zip(table, truth).map { point, result in
        var point = point
        point.tpotMs = result.simulatedTpotMs
        point.ttftMs = result.simulatedTtftMs
        return point
      } + [Self.point("other", concurrency: 2, model: "Org/Other")]
    study.options.overrides = []
    study.options.fitGroup = "Org/M/box/vllm"
    let report = try study.run(measured)
    let fit = try #require(report.fit)
    #expect(abs(fit.values[0].seconds - 9e-4) < 2e-6)
    #expect(fit.medianAfter < 1e-3 && fit.medianBefore > 0.1)
    #expect(report.points.filter(\.isFitted).count == 3)
    // Only the other group is judged.
    #expect(report.summaries.map(\.points) == [1, 1])
  }

  @Test func `What a request takes before its first token is found from times to the first token`()
    throws
  {
    var study = try Self.study()
    study.options.overrides = [
      "runtime={base: cuda-graphs, per_request: 4 ms, per_prompt_token: 30 us}"
    ]
    // Prompts of two lengths tell what is of the request and what of its tokens.
    let table = [64, 640].flatMap { prompt in
      [1, 2, 4].map { concurrency in
        var point = Self.point("p\(prompt)-\(concurrency)", concurrency: concurrency)
        point.prompt = prompt
        return point
      }
    }
    let truth = try study.run(table).points
    let measured = table.map { point in
      var point = point
      if let found = truth.first(where: { $0.id == point.id }) {
        point.tpotMs = found.simulatedTpotMs
        point.ttftMs = found.simulatedTtftMs
      }
      return point
    }
    study.options.overrides = []
    study.options.fitGroup = "Org/M/box/vllm"
    study.options.fitKeys = ["per_request", "per_prompt_token"]
    let fit = try #require(try study.run(measured).fit)
    #expect(abs(fit.values[0].seconds / 4e-3 - 1) < 0.05)
    #expect(abs(fit.values[1].seconds / 30e-6 - 1) < 0.05)
  }

  @Test func `A group that is not there is refused with those that are`() throws {
    var study = try Self.study()
    study.options.fitGroup = "Org/X/box/vllm"
    let error = #expect(throws: Diagnostics.self) {
      try study.run([Self.point("a", concurrency: 2)])
    }
    #expect("\(error!)".contains("Org/M/box/vllm"))
  }
}
