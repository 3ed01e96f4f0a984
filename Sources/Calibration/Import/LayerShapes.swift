// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import ModelDescriptors

/// The shapes of a decoder's parts, for tables that name parts and no shapes.
struct LayerShapes {
  var hidden: Int
  var vocabulary: Int
  var attention: GroupedAttention
  var mixture: MixtureDescriptor?
  var dense: DenseFeedForward?

  /// The shapes of the first layer of each kind, or `nil` where none has grouped attention.
  init?(of model: ModelDescriptor) {
    hidden = model.hiddenSize
    vocabulary = model.vocabularySize
    let grouped = model.layers.lazy.compactMap { layer -> GroupedAttention? in
      if case .grouped(let attention) = layer.attention { attention } else { nil }
    }.first
    guard let grouped else { return nil }
    attention = grouped
    mixture = model.layers.lazy.compactMap(\.mixture).first
    dense = model.layers.lazy.compactMap(\.feedForward.dense).first
  }

  /// Adds the row of a part by its name, or counts it where nothing here models it.
  ///
  /// - Parameter parts: The degree of tensor parallelism.
  func add(
    layer: String, tokens: Int, parts: Int, seconds: Double, _ place: ImportTable,
    _ start: KernelMeasurement, into result: inout ImportedTimings
  ) throws {
    var row = start
    row.median = seconds
    row.implementation = [start.implementation, layer].compactMap { $0 }.joined(separator: " ")
    let query = attention.heads * attention.headWidth / parts
    let keyValue = max(1, attention.keyValueHeads / parts) * attention.headWidth
    func product(_ n: Int, _ k: Int) {
      row.kernel = .gemm
      (row.m, row.n, row.k) = (tokens, n, k)
    }
    func rows(_ kernel: MeasuredKernel, _ width: Int) {
      row.kernel = kernel
      (row.tokens, row.hidden) = (tokens, width)
    }
    let width = (layer.hasPrefix("expert") ? mixture?.expert : dense ?? mixture?.expert)?.width
    switch layer {
    case "embedding": rows(.embedding, hidden)
    case "layernorm", "input_layernorm", "post_layernorm", "final_layernorm":
      rows(.elementwise, hidden)
    case "qk_norm", "rotary_emb", "rope": rows(.elementwise, query + keyValue)
    case "qkv_proj": product(query + 2 * keyValue, hidden)
    case "q_proj": product(query, hidden)
    case "k_proj", "v_proj": product(keyValue, hidden)
    case "o_proj": product(hidden, query)
    case "lm_head": product(vocabulary / parts, hidden)
    case "gate_up_proj": product(2 * (try known(width, layer, place)) / parts, hidden)
    case "expert.w1", "expert.w3": product(try known(width, layer, place) / parts, hidden)
    case "expert.w2", "down_proj": product(hidden, try known(width, layer, place) / parts)
    case "act_fn": rows(.elementwise, try known(width, layer, place) / parts)
    case "gate":
      row.kernel = .gate
      (row.tokens, row.hidden) = (tokens, hidden)
      row.experts = try known(mixture?.experts, layer, place)
      row.topK = mixture?.topK
    default:
      result.skip("layer '\(layer)'")
      return
    }
    try result.add(row, at: place.location)
  }

  private func known(_ value: Int?, _ layer: String, _ place: ImportTable) throws -> Int {
    if let value { return value }
    throw place.diagnostic(
      place.has("layer") ? "layer" : "layer_name", "the model has no '\(layer)'")
  }
}
