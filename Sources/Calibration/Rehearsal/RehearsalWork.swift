// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries

/// The arithmetic of a step on real buffers: norms, projections, attention, gates, experts, head.
final class RehearsalWork {
  /// Rows of one sequence in a step.
  struct Rows {
    /// The sequence's place in the KV cache.
    var slot: Int
    /// Rows before the first.
    var position: Int
    /// Rows.
    var count: Int
  }

  private let model: RehearsalModel
  private let memory: RehearsalMemory
  private let products: RehearsalProducts
  private let tokens: Int
  /// Tokens of the longest sequence.
  var longest: Int { tokens }
  private let residual: FloatMemory
  private let normed: FloatMemory
  private let projected: FloatMemory
  private let attended: FloatMemory
  private let outcome: FloatMemory
  private let gathered: FloatMemory
  private let inner: FloatMemory
  private let activated: FloatMemory
  private let sum: FloatMemory
  private let scores: FloatMemory
  private let logits: FloatMemory
  private let scratch: LockableMemory

  /// - Parameters:
  ///   - rows: Rows of the largest step.
  ///   - tokens: Tokens of the longest sequence.
  init(
    _ model: RehearsalModel, memory: RehearsalMemory, products: RehearsalProducts, rows: Int,
    tokens: Int
  ) throws {
    self.model = model
    self.memory = memory
    self.products = products
    self.tokens = tokens
    let hidden = model.hidden
    var widest = model.width
    var projections = 0
    var queries = 0
    var scratchBytes = 4096
    for layer in model.layers {
      let attention = layer.attention
      widest = max(widest, layer.denseWidth, layer.sharedWidth)
      queries = max(queries, attention.heads * attention.headWidth)
      projections = max(
        projections, (attention.heads + 2 * attention.keyValueHeads) * attention.headWidth)
      var shape = Self.shape(attention.heads, attention.keyValueHeads, attention.headWidth)
      shape.past = Int32(tokens)
      shape.kv_stride = Int32(tokens)
      scratchBytes = max(scratchBytes, ccl_attention_scratch(&shape, products.threadPool.pool))
    }
    residual = try FloatMemory(rows * hidden, seed: 7)
    normed = try FloatMemory(rows * hidden)
    projected = try FloatMemory(rows * projections)
    attended = try FloatMemory(rows * queries)
    outcome = try FloatMemory(rows * hidden)
    gathered = try FloatMemory(rows * hidden)
    inner = try FloatMemory(rows * widest * (model.matrices - 1))
    activated = try FloatMemory(rows * widest)
    sum = try FloatMemory(rows * hidden)
    scores = try FloatMemory(rows * model.experts)
    logits = try FloatMemory(rows * model.vocabulary)
    scratch = try LockableMemory(bytes: scratchBytes)
  }

  private static func shape(_ heads: Int, _ kvHeads: Int, _ size: Int) -> ccl_attention {
    var shape = ccl_attention()
    shape.batch = 1
    shape.heads = Int32(heads)
    shape.kv_heads = Int32(kvHeads)
    shape.head_size = Int32(size)
    return shape
  }

  private func norm(_ from: FloatMemory, rows: Int) {
    ccl_rms_norm(
      from.pointer, memory.norm.pointer, normed.pointer, rows, model.hidden, 1e-5)
  }

  /// Looks up embeddings: any will do.
  func embed(rows: Int) {
    for row in 0..<rows {
      let token = (row * 7919 + 13) % model.vocabulary
      (residual.pointer + row * model.hidden).update(
        from: memory.embedding.pointer + token * model.hidden, count: model.hidden)
    }
  }

  /// The attention of a layer: norm, projections, cache, attention, output, residual.
  func attention(_ index: Int, sequences: [Rows]) {
    let layer = memory.layers[index]
    let attention = model.layers[index].attention
    let rows = sequences.reduce(0) { $0 + $1.count }
    let size = attention.headWidth
    let queries = attention.heads * size
    let keys = attention.keyValueHeads * size
    let all = queries + 2 * keys
    norm(residual, rows: rows)
    products.product(
      rows: rows, columns: all, depth: model.hidden, normed.pointer, layer.queryKeyValue.pointer,
      projected.pointer)
    var shape = Self.shape(attention.heads, attention.keyValueHeads, size)
    shape.kv_stride = Int32(tokens)
    var row = 0
    for sequence in sequences {
      let base = sequence.slot * attention.keyValueHeads * tokens * size
      for offset in 0..<sequence.count {
        let position = sequence.position + offset
        let from = projected.pointer + row * all
        for head in 0..<attention.keyValueHeads {
          let place = base + (head * tokens + position) * size
          (layer.keys.pointer + place).update(from: from + queries + head * size, count: size)
          (layer.values.pointer + place).update(
            from: from + queries + keys + head * size, count: size)
        }
        let visible = attention.span.attended(visible: position + 1)
        let start = base + (position + 1 - visible) * size
        shape.past = Int32(visible)
        ccl_attention_decode(
          products.threadPool.pool, &shape, from, layer.keys.pointer + start,
          layer.values.pointer + start,
          attended.pointer + row * queries, scratch.base)
        row += 1
      }
    }
    products.product(
      rows: rows, columns: model.hidden, depth: queries, attended.pointer, layer.output.pointer,
      outcome.pointer)
    ccl_add_scaled(residual.pointer, outcome.pointer, 1, rows * model.hidden)
  }

  /// The projections of a layer's queries, keys and values alone, for one row.
  func projectInput(_ index: Int) {
    let attention = model.layers[index].attention
    products.product(
      rows: 1, columns: (attention.heads + 2 * attention.keyValueHeads) * attention.headWidth,
      depth: model.hidden, normed.pointer, memory.layers[index].queryKeyValue.pointer,
      projected.pointer)
  }

  /// The projection of a layer's output alone, for one row.
  func projectOutput(_ index: Int) {
    let attention = model.layers[index].attention
    products.product(
      rows: 1, columns: model.hidden, depth: attention.heads * attention.headWidth,
      attended.pointer, memory.layers[index].output.pointer, outcome.pointer)
  }

  /// Attention alone of one row behind `position` others.
  func attend(_ index: Int, position: Int, slot: Int) {
    let layer = memory.layers[index]
    let attention = model.layers[index].attention
    let size = attention.headWidth
    let visible = attention.span.attended(visible: position + 1)
    let start = (slot * attention.keyValueHeads * tokens + position + 1 - visible) * size
    var shape = Self.shape(attention.heads, attention.keyValueHeads, size)
    shape.kv_stride = Int32(tokens)
    shape.past = Int32(visible)
    ccl_attention_decode(
      products.threadPool.pool, &shape, projected.pointer, layer.keys.pointer + start,
      layer.values.pointer + start, attended.pointer, scratch.base)
  }

  /// What a layer does beside products, for one row: two norms and two additions.
  func elementwise() {
    for _ in 0..<2 {
      norm(residual, rows: 1)
      ccl_add_scaled(sum.pointer, outcome.pointer, 1, model.hidden)
    }
  }

  /// A gated (or plain) network: from `input` to `outcome`.
  private func network(
    _ input: UnsafePointer<Float>, rows: Int, width: Int, up: UnsafePointer<Float>,
    down: UnsafePointer<Float>
  ) {
    let branches = model.matrices - 1
    products.product(
      rows: rows, columns: branches * width, depth: model.hidden, input, up, inner.pointer)
    for row in 0..<rows {
      let from = inner.pointer + row * branches * width
      ccl_silu_multiply(
        from, from + (branches - 1) * width, activated.pointer + row * width, width)
    }
    products.product(
      rows: rows, columns: model.hidden, depth: width, activated.pointer, down, outcome.pointer)
  }

  /// A layer's dense network.
  func dense(_ index: Int, rows: Int) {
    guard let up = memory.layers[index].denseUp, let down = memory.layers[index].denseDown else {
      return
    }
    norm(residual, rows: rows)
    network(
      normed.pointer, rows: rows, width: model.layers[index].denseWidth, up: up.pointer,
      down: down.pointer)
    ccl_add_scaled(residual.pointer, outcome.pointer, 1, rows * model.hidden)
  }

  /// A layer's gate: norm, scores, the choice of the best, which the routing overrides.
  func gate(_ index: Int, rows: Int) {
    guard let gate = memory.layers[index].gate else { return }
    norm(residual, rows: rows)
    products.product(
      rows: rows, columns: model.experts, depth: model.hidden, normed.pointer, gate.pointer,
      scores.pointer)
    for row in 0..<rows { choose(scores.pointer + row * model.experts) }
  }

  /// Moves the best scores of a row to its front.
  private func choose(_ row: UnsafeMutablePointer<Float>) {
    for rank in 0..<min(model.topK, model.experts) {
      var best = rank
      for index in rank + 1..<max(rank + 1, model.experts) where row[index] > row[best] {
        best = index
      }
      (row[rank], row[best]) = (row[best], row[rank])
    }
  }

  /// Begins the sum of a layer's experts.
  func beginExperts(_ index: Int, rows: Int) {
    sum.pointer.update(repeating: 0, count: rows * model.hidden)
  }

  /// A layer's shared experts.
  func shared(_ index: Int, rows: Int) {
    guard let up = memory.layers[index].sharedUp, let down = memory.layers[index].sharedDown else {
      return
    }
    network(
      normed.pointer, rows: rows, width: model.layers[index].sharedWidth, up: up.pointer,
      down: down.pointer)
    ccl_add_scaled(sum.pointer, outcome.pointer, 1, rows * model.hidden)
  }

  /// One expert on `tokens` of the rows.
  func expert(
    _ weights: UnsafeMutableRawPointer, rows: Int, tokens: Int, weight: Float, number: Int
  ) {
    guard tokens > 0 else { return }
    let hidden = model.hidden
    let up = weights.assumingMemoryBound(to: Float.self)
    let down = up + (model.matrices - 1) * model.width * hidden
    var input = UnsafePointer(normed.pointer)
    if tokens < rows {
      for token in 0..<tokens {
        (gathered.pointer + token * hidden).update(
          from: normed.pointer + (number + token) % rows * hidden, count: hidden)
      }
      input = UnsafePointer(gathered.pointer)
    }
    network(input, rows: tokens, width: model.width, up: up, down: down)
    for token in 0..<tokens {
      let row = tokens < rows ? (number + token) % rows : token
      ccl_add_scaled(
        sum.pointer + row * hidden, outcome.pointer + token * hidden, weight, hidden)
    }
  }

  /// Adds the sum of the experts to the residual.
  func endExperts(rows: Int) {
    ccl_add_scaled(residual.pointer, sum.pointer, 1, rows * model.hidden)
  }

  /// The output head on the first rows.
  func head(rows: Int) {
    norm(residual, rows: rows)
    products.product(
      rows: rows, columns: model.vocabulary, depth: model.hidden, normed.pointer,
      memory.head.pointer, logits.pointer)
  }
}
