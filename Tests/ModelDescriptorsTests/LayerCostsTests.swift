// SPDX-License-Identifier: GPL-3.0-or-later

import TestSupport
import Testing
import Units

@testable import ModelDescriptors

/// The work of operations against identities that hold for any model.
@Suite struct LayerCostsTests {
  static let library = PublishedFiguresTests.library

  /// One token multiplies every active weight matrix once: 2 FLOP per parameter.
  @Test(arguments: modelFacts)
  func `A token costs two FLOP per active parameter`(facts: ModelFacts) throws {
    let model = try Self.library.model(named: facts.name)
    let costs = model.costs(under: .bf16)
    var flop = costs.headWork(tokens: 1).flop
    for layer in costs.encoder + costs.layers {
      flop += layer.attentionInput.work(rows: 1).flop + layer.attentionOutput.work(rows: 1).flop
      flop += layer.crossProjections.work(rows: 1).flop
      flop += layer.crossKeyValueWork(sourceTokens: 1).flop
      flop += layer.gateWork(tokens: 1).flop + layer.latentWork(tokens: 1).flop
      flop += Double(layer.topK) * layer.expertWork(tokens: 1).flop
      flop += layer.sharedExpertWork(tokens: 1).flop + layer.parallelDenseWork(tokens: 1).flop
      flop += layer.denseWork(tokens: 1).flop
    }
    let active = Double(model.activeParameterCount(includingInputEmbedding: false))
    // Norms, biases and convolutions are parameters but no products; mixing of streams is small.
    #expect(flop <= 2 * active)
    expectClose(flop, 2 * active, within: 0.006)
  }

  /// What the operations of a step read of weights is what the model keeps.
  @Test(arguments: modelFacts)
  func `Operations read every weight once`(facts: ModelFacts) throws {
    let model = try Self.library.model(named: facts.name)
    let plan = PrecisionPlan.native(of: model)
    for layer in model.allLayers {
      let costs = layer.costs(under: plan)
      let bytes = layer.bytes(under: plan)
      expectClose(costs.expert.weightBytes, Double(bytes.expert), within: 1e-3)
      expectClose(costs.dense.weightBytes, Double(bytes.dense), within: 1e-3)
      expectClose(
        costs.shared.weightBytes + costs.parallelDense.weightBytes, Double(bytes.shared),
        within: 1e-3)
      expectClose(costs.latent.weightBytes, Double(bytes.latent), within: 1e-3)
      expectClose(
        costs.attentionInput.weightBytes + costs.attentionOutput.weightBytes
          + costs.crossProjections.weightBytes + costs.crossKeyValue.weightBytes,
        Double(bytes.attention - plan.vectors.bytes(elements: layer.extraParameters)),
        within: 0.02)
    }
  }

  @Test func `Decoding reads the cache once`() throws {
    let model = try Self.library.model(named: "mixtral-8x7b")
    let costs = model.layers[0].costs(under: .bf16)
    var load = AttentionLoad()
    load.addDecode(visible: 1_000, span: model.layers[0].span)
    load.addDecode(visible: 3_000, span: model.layers[0].span)
    let work = costs.attentionWork(load)
    #expect(work.prefill.isEmpty)
    #expect(work.decode.family == .attentionDecode)
    // 4,000 rows of 8 heads × (128 + 128) × 2 bytes, and small change for queries and outputs.
    expectClose(work.decode.bytes, 4_000 * 8 * 256 * 2, within: 0.02)
    #expect(work.decode.flop == 4_000 * 32 * 4 * 128)
    #expect(work.input.rows == 2)
    #expect(costs.attentionWork(AttentionLoad()) == AttentionWork())
  }

  @Test func `Cross-attention reads the prompt's keys and values and writes none`() throws {
    let model = try Self.library.model(named: "switch-base-8")
    let costs = model.layers[0].costs(under: .bf16)
    // 12 heads of 64 over a hidden state of 768; 256 rows of 1,536 elements.
    var load = AttentionLoad()
    load.addCross(tokens: 1, source: 256)
    let work = costs.crossAttentionWork(load)
    #expect(work.decode.flop == 256 * 12 * 4 * 64)
    #expect(work.decode.bytes == 256 * 1_536 * 2 + 1_536 * 2)
    #expect(work.input.flop == 2 * 2 * 768 * 768)
    #expect(work.input.bytes == 2 * 768 * 768 * 2 + 4 * 768 * 2)
    #expect(work.prefill.isEmpty)
    // Several tokens at once read the rows once.
    var several = AttentionLoad()
    several.addCross(tokens: 10, source: 256)
    let again = costs.crossAttentionWork(several)
    #expect(again.prefill.flop == 10 * work.decode.flop)
    #expect(again.prefill.bytes == 256 * 1_536 * 2 + 10 * 1_536 * 2)
    #expect(again.decode.isEmpty)
    // Keys and values are made once, and go into the cache in its format.
    var plan = PrecisionPlan.bf16
    plan.keyValue = try NumberFormat(parsing: "fp8")
    let made = model.layers[0].costs(under: plan).crossKeyValueWork(sourceTokens: 256)
    #expect(made.flop == 256 * 2 * 768 * 1_536)
    #expect(made.bytes == 768 * 1_536 * 2 + 256 * (768 * 2 + 1_536))
    // An encoder's tokens attend to all of their prompt.
    var prompt = AttentionLoad()
    prompt.addBidirectional(count: 256)
    let encoded = model.encoder[0].costs(under: .bf16).attentionWork(prompt)
    #expect(encoded.prefill.flop == 256 * 256 * 12 * 4 * 64)
    #expect(model.encoder[0].costs(under: .bf16).crossAttentionWork(load) == AttentionWork())
  }

  @Test func `Latent attention reads one row of 576 elements per position`() throws {
    let model = try Self.library.model(named: "deepseek-v3")
    let costs = model.layers[5].costs(under: .bf16)
    var load = AttentionLoad()
    load.addDecode(visible: 10_000, span: model.layers[5].span)
    let work = costs.attentionWork(load)
    expectClose(work.decode.bytes, 10_000 * 576 * 2, within: 0.05)
    let expected = 10_000 * 2 * 128 * (2 * 512 + 64)
    #expect(work.decode.flop == Double(expected))
  }

  /// Against decoding token by token: as much arithmetic, and each row read once.
  @Test(arguments: ["deepseek-v3", "qwen3-30b-a3b", "gpt-oss-120b"])
  func `Verifying drafted tokens reads rows once`(name: String) throws {
    let model = try Self.library.model(named: name)
    for layer in model.layers.prefix(6) {
      let costs = layer.costs(under: .bf16)
      var one = AttentionLoad()
      var all = AttentionLoad()
      for position in 5_000..<5_004 { one.addDecode(visible: position + 1, span: layer.span) }
      all.addVerification(position: 5_000, count: 4, span: layer.span)
      let (single, verified) = (costs.attentionWork(one).decode, costs.attentionWork(all).decode)
      #expect(all.tokens == 4)
      expectClose(verified.flop, single.flop, within: 1e-12)
      // What another row costs, from two lengths within any window.
      func bytes(_ visible: Int) -> Double {
        var load = AttentionLoad()
        load.addDecode(visible: visible, span: layer.span)
        return costs.attentionWork(load).decode.bytes
      }
      let row = (bytes(100) - bytes(50)) / 50
      let rows = layer.span.rowsRead(after: 5_000, count: 4)
      #expect(rows <= 5_004 && rows >= one.decodeLongest)
      expectClose(single.bytes - verified.bytes, (one.decodeContext - rows) * row, within: 1e-9)
      #expect(costs.attentionWork(all).prefill == .none)
    }
  }

  @Test func `A selection bounds decoding, and its indexer scans everything`() throws {
    let model = try Self.library.model(named: "deepseek-v3.2")
    let costs = model.layers[5].costs(under: .bf16)
    var load = AttentionLoad()
    load.addDecode(visible: 100_000, span: model.layers[5].span)
    #expect(load.decodeContext == 2_048)
    #expect(load.decodeScanned == 100_000)
    let work = costs.attentionWork(load)
    let chosen = 2_048 * 2 * 128 * (2 * 512 + 64)
    let scanned = 100_000 * 2 * 64 * 128
    #expect(work.decode.flop == Double(chosen + scanned))
  }

  @Test func `A recurrence costs the same at any length`() throws {
    let model = try Self.library.model(named: "qwen3-next-80b-a3b")
    let layer = model.layers[0]
    let costs = layer.costs(under: .bf16)
    var short = AttentionLoad()
    short.addDecode(visible: 10, span: layer.span)
    var long = AttentionLoad()
    long.addDecode(visible: 100_000, span: layer.span)
    #expect(costs.attentionWork(short) == costs.attentionWork(long))
    #expect(costs.attentionWork(long).decode.family == .linearAttention)
    // The state is read and written, in single precision.
    expectClose(
      costs.attentionWork(long).decode.bytes, 2 * 32 * 128 * 128 * 4, within: 0.1)
  }

  @Test func `Experts cost by tokens and by distinct experts`() throws {
    let model = try Self.library.model(named: "mixtral-8x7b")
    let costs = model.layers[0].costs(under: .bf16)
    let matrices = 3.0 * 4_096 * 14_336
    #expect(costs.expertWork(tokens: 1).flop == 2 * matrices)
    #expect(costs.expertWork(tokens: 1).family == .gemv)
    #expect(costs.expertWork(tokens: 7).flop == 14 * matrices)
    #expect(costs.expertWork(tokens: 7).family == .gemm)
    #expect(costs.expertWork(tokens: 0).isEmpty)
    let grouped = costs.groupedExpertWork(assignments: 40, distinct: 8)
    #expect(grouped.rows == 5)
    #expect(grouped.flop == 80 * matrices)
    expectClose(grouped.bytes, 8 * matrices * 2, within: 0.01)
    #expect(costs.sharedExpertWork(tokens: 3).isEmpty)
    #expect(costs.gateWork(tokens: 2).family == .gate)
  }

  @Test func `Precision changes bytes and peak, not FLOP`() throws {
    let model = try Self.library.model(named: "mixtral-8x7b")
    var plan = PrecisionPlan.bf16
    plan.experts = try NumberFormat(parsing: "int4-g64")
    let wide = model.layers[0].costs(under: .bf16).expertWork(tokens: 4)
    let narrow = model.layers[0].costs(under: plan).expertWork(tokens: 4)
    #expect(narrow.flop == wide.flop)
    expectClose(narrow.bytes / wide.bytes, 4.5 / 16, within: 0.01)
    #expect(narrow.isWeightOnly)
    #expect(narrow.computeClass == .fp16)
    #expect(!wide.isWeightOnly)
  }

  @Test func `Latent experts see the latent, shared experts the hidden state`() throws {
    let model = try Self.library.model(named: "kimi-k3")
    let mixture = try #require(model.layers[1].mixture)
    #expect(mixture.expertMatrixParameters == 3 * 3_584 * 3_072)
    #expect(mixture.shared?.width == 6_144)
    let costs = model.layers[1].costs(under: .bf16)
    #expect(costs.latentWork(tokens: 1).flop == 4 * 7_168 * 3_584)
    #expect(model.layers[0].mixture == nil)
  }

  @Test func `Spans of a model are listed once`() throws {
    let model = try Self.library.model(named: "gpt-oss-20b")
    let costs = model.costs(under: .bf16)
    #expect(costs.spans == [AttentionSpan(window: 128), .full])
    #expect(costs.spanOfLayer.prefix(4) == [0, 1, 0, 1])
    let scout = try Self.library.model(named: "llama-4-scout")
    #expect(scout.attentionSpans == [AttentionSpan(chunk: 8_192), .full])
    #expect(scout.layers.filter { $0.span == .full }.count == 12)
    let flash = try Self.library.model(named: "deepseek-v4-flash")
    #expect(flash.attentionSpans.count == 3)
  }
}
