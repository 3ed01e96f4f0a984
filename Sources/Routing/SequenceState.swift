// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// The routing of one running sequence: its own popularity, and the choices generated so far.
///
/// The memory is kept when the sequence ends and serves the next one in its slot.
final class SequenceState<Expert: FixedWidthInteger & UnsignedInteger> {
  private let tables: GenerationTables
  private let own: CumulativeTables
  private let scratch: UnsafeMutablePointer<Float>
  /// [cell]: the quantile of the request's preference that associated experts share.
  private let field: UnsafeMutablePointer<UInt8>
  /// [layer][expert]: how often a choice that follows the layer before is accepted, in 1/255.
  private let acceptance: UnsafeMutablePointer<UInt8>
  private var requestStream: RandomStream
  private var tokenStream: RandomStream
  private var promptStream: RandomStream
  private(set) var key: SequenceKey = 0
  private var isPrepared = false
  /// [token][layer][rank]: the choices of output tokens.
  private var rows: UnsafeMutablePointer<Expert>
  private var rowCapacity = 0
  private(set) var generated = 0
  private var expectedTokens = 0
  /// The same for the prompt tokens of the latest small range asked for.
  private var promptRows: UnsafeMutablePointer<Expert>
  private var promptRowCapacity = 0
  private var promptRange = 0..<0
  /// [layer][expert]: probability that a token's choices include the expert.
  private var inclusion: UnsafeMutablePointer<Float>?
  private var isInclusionReady = false

  private let stride: Int

  init(_ tables: GenerationTables, seed: UInt64, replication: UInt32) {
    self.tables = tables
    let shape = tables.shape
    stride = shape.layers * shape.topK
    own = CumulativeTables(layers: shape.layers, experts: shape.experts)
    scratch = .allocate(capacity: shape.experts)
    field = .allocate(capacity: shape.experts)
    acceptance = .allocate(capacity: shape.layers * shape.experts)
    rows = .allocate(capacity: 0)
    promptRows = .allocate(capacity: 0)
    func stream(_ purpose: StreamPurpose) -> RandomStream {
      RandomStream(seed: seed, replication: replication, purpose: purpose, entity: 0)
    }
    requestStream = stream(.routingRequest)
    tokenStream = stream(.routingTokens)
    promptStream = stream(.routingPrompt)
  }

  deinit {
    own.deallocate()
    scratch.deallocate()
    field.deallocate()
    acceptance.deallocate()
    rows.deallocate()
    promptRows.deallocate()
    inclusion?.deallocate()
  }

  /// Begins a sequence; its tables are made when they are first needed.
  func begin(_ key: SequenceKey, outputTokens: Int) {
    self.key = key
    expectedTokens = outputTokens
    requestStream = requestStream.forEntity(key)
    tokenStream = tokenStream.forEntity(key)
    promptStream = promptStream.forEntity(key)
    isPrepared = false
    isInclusionReady = false
    generated = 0
    promptRange = 0..<0
  }

  /// The choices of an output token in a layer, in order of rank.
  @inline(__always)
  func choices(position: Int, layer: Int) -> UnsafePointer<Expert> {
    if position >= generated { generate(through: position) }
    return UnsafePointer(rows + (position &* stride &+ layer &* tables.shape.topK))
  }

  /// The choices of all prompt tokens of a small range, one row a token.
  func promptChoices(_ range: Range<Int>) -> UnsafePointer<Expert> {
    if range != promptRange {
      prepare()
      if range.count > promptRowCapacity {
        promptRows.deallocate()
        promptRowCapacity = range.count
        promptRows = .allocate(capacity: promptRowCapacity * stride)
      }
      for row in 0..<range.count {
        promptStream.seek(block: Self.firstBlock(ofToken: range.lowerBound + row))
        generateRow(row, in: promptRows, from: &promptStream)
      }
      promptRange = range
    }
    return UnsafePointer(promptRows)
  }

  private static func firstBlock(ofToken position: Int) -> UInt64 {
    UInt64(truncatingIfNeeded: position & 0x7FF_FFFF) &<< 20
  }

  private func generate(through position: Int) {
    prepare()
    // Several tokens at once, so that the sequence's tables are in the processor's cache for all
    // but the first; what is drawn does not depend on it.
    let last = max(position, min(position | 15, expectedTokens - 1))
    if last >= rowCapacity {
      let capacity = max(last + 1, rowCapacity + rowCapacity / 2, 64)
      let larger = UnsafeMutablePointer<Expert>.allocate(capacity: capacity * stride)
      larger.update(from: rows, count: generated * stride)
      rows.deallocate()
      rows = larger
      rowCapacity = capacity
    }
    while generated <= last {
      tokenStream.seek(block: Self.firstBlock(ofToken: generated))
      generateRow(generated, in: rows, from: &tokenStream)
      generated += 1
    }
  }

  /// Perturbs the model's popularity for this request.
  private func prepare() {
    if isPrepared { return }
    isPrepared = true
    requestStream.seek(block: UInt64(tables.shape.layers) &<< 20)
    for cell in 0..<tables.shape.experts {
      field[cell] = UInt8(truncatingIfNeeded: requestStream.next32() &>> 24)
    }
    for layer in 0..<tables.shape.layers {
      requestStream.seek(block: UInt64(layer) &<< 20)
      perturb(layer)
      own.fill(layer, from: scratch)
    }
  }

  /// Multiplies each weight by a factor. Its quantile is the one that associated experts of all
  /// layers share, or one of its own.
  private func perturb(_ layer: Int) {
    let experts = tables.shape.experts
    let start = layer * experts
    let factors = tables.factors + layer * GenerationTables.quantiles
    let accepted = tables.acceptance + layer * GenerationTables.quantiles
    let coherence = tables.coherence[layer]
    var bits: UInt32 = 0
    for expert in 0..<experts {
      bits = expert & 1 == 0 ? requestStream.next32() : bits &>> 16
      let isShared = (bits &>> 8) & 0xFF < coherence
      let quantile = isShared ? Int(field[Int(tables.cells[start + expert])]) : Int(bits & 0xFF)
      scratch[expert] = tables.weights[start + expert] * factors[quantile]
      acceptance[start + expert] = accepted[quantile]
    }
  }

  /// Generates the choices of one token in all layers.
  private func generateRow(
    _ row: Int, in rows: UnsafeMutablePointer<Expert>, from stream: inout RandomStream
  ) {
    // Locals, so that the loops below read no property of a class.
    let tables = self.tables
    let own = self.own
    let popularity = tables.popularity
    let topK = tables.shape.topK
    let experts = tables.shape.experts
    let classes = tables.classes
    let stride = self.stride
    var random = stream
    let recalling = random.next32()
    let within = UInt64(random.next32())
    var thresholds = UnsafePointer(tables.recall)
    var chosen = rows + row &* stride
    for layer in 0..<tables.shape.layers {
      var earlier: UnsafeMutablePointer<Expert>?
      if recalling < thresholds[classes &- 1] {
        var lagClass = 0
        while recalling >= thresholds[lagClass] { lagClass &+= 1 }
        let lag =
          tables.lagFirst[lagClass]
          &+ Int((within &* UInt64(tables.lagWidth[lagClass])) &>> 32)
        if lag <= row { earlier = chosen - lag &* stride }
      }
      let cohesion = tables.cohesion[layer]
      let chain = tables.chain[layer]
      for rank in 0..<topK {
        let bits = random.next()
        let uniform = UInt32(truncatingIfNeeded: bits &>> 32)
        if let earlier, UInt32(truncatingIfNeeded: bits & 0xFFFF) < cohesion,
          let expert = Self.firstNew(earlier, rank, topK, chosen)
        {
          chosen[rank] = expert
          continue
        }
        var expert: Int
        if UInt32(truncatingIfNeeded: (bits &>> 16) & 0xFFFF) < chain {
          let before = Int(truncatingIfNeeded: (chosen - topK)[rank])
          let coordinate = popularity.coordinate(
            within: before, layer: layer &- 1, random: uniform)
          expert = popularity.expert(at: coordinate &+ tables.rotation[layer], layer: layer)
          // The low bits of the uniform number hardly entered the coordinate.
          if UInt8(truncatingIfNeeded: uniform) >= acceptance[layer &* experts &+ expert] {
            expert = own.expert(at: random.next32(), layer: layer)
          }
        } else {
          expert = own.expert(at: uniform, layer: layer)
        }
        var attempts = 0
        while Self.isAmong(chosen, rank, Expert(truncatingIfNeeded: expert)) {
          attempts &+= 1
          if attempts <= 64 {
            expert = own.expert(at: random.next32(), layer: layer)
          } else {
            expert = expert &+ 1 == experts ? 0 : expert &+ 1
          }
        }
        chosen[rank] = Expert(truncatingIfNeeded: expert)
      }
      chosen += topK
      thresholds += classes
    }
    stream = random
  }

  /// The choice of the same rank in an earlier token, or the next one that is not chosen yet.
  @inline(__always)
  private static func firstNew(
    _ earlier: UnsafeMutablePointer<Expert>, _ rank: Int, _ topK: Int,
    _ chosen: UnsafeMutablePointer<Expert>
  ) -> Expert? {
    var source = rank
    for _ in 0..<topK {
      let candidate = earlier[source]
      if !isAmong(chosen, rank, candidate) { return candidate }
      source &+= 1
      if source == topK { source = 0 }
    }
    return nil
  }

  @inline(__always)
  private static func isAmong(
    _ chosen: UnsafeMutablePointer<Expert>, _ count: Int, _ expert: Expert
  ) -> Bool {
    var index = 0
    while index < count {
      if chosen[index] == expert { return true }
      index &+= 1
    }
    return false
  }
}

// MARK: - Counts of many prompt tokens

extension SequenceState {
  /// [expert]: the probability that a token of this sequence chooses the expert in a layer.
  func inclusionProbabilities(layer: Int) -> UnsafePointer<Float> {
    let experts = tables.shape.experts
    if inclusion == nil { inclusion = .allocate(capacity: tables.shape.layers * experts) }
    if !isInclusionReady {
      prepare()
      fillInclusion()
      isInclusionReady = true
    }
    return UnsafePointer(inclusion! + layer * experts)
  }

  /// Follows the share of each expert in single choices from layer to layer, then turns it into
  /// the probability of being among the `topK` by 1 − exp(−λ share), with λ such that these sum
  /// to `topK` (Rosén, "Asymptotic theory for successive sampling", Ann. Math. Stat. 43, 1972).
  private func fillInclusion() {
    let experts = tables.shape.experts
    guard let shares = inclusion else { return }
    for layer in 0..<tables.shape.layers {
      let target = shares + layer * experts
      let follows = Float(tables.chain[layer]) / 65_536
      var start: UInt32 = 0
      for expert in 0..<experts {
        let end = own.ends[layer * experts + expert]
        target[expert] = (1 - follows) * Float(end &- start) * 0x1p-32
        start = end
      }
      if follows > 0 { follow(layer, share: follows, into: target) }
    }
    for layer in 0..<tables.shape.layers { include(shares + layer * experts) }
  }

  /// Adds the part of a layer's choices that follow the layer before: both layers' intervals are
  /// laid over each other on the circle, and each overlap carries its part.
  private func follow(_ layer: Int, share: Float, into target: UnsafeMutablePointer<Float>) {
    let experts = tables.shape.experts
    let before = target - experts
    let sources = tables.popularity.ends + (layer - 1) * experts
    let targets = tables.popularity.ends + layer * experts
    var coordinate = tables.rotation[layer]
    var expert = tables.popularity.expert(at: coordinate, layer: layer)
    var start: UInt32 = 0
    for source in 0..<experts {
      let width = sources[source] &- start
      start = sources[source]
      var left = width
      while left > 0 {
        let isLast = expert == experts - 1
        let room = (isLast ? UInt32.max : targets[expert]) &- coordinate
        let step = min(room, left)
        if width > 0 {
          target[expert] += share * before[source] * Float(step) / Float(width)
        }
        left -= step
        coordinate = coordinate &+ step
        if step == room {
          if isLast { coordinate = 0 }
          expert = isLast ? 0 : expert + 1
        }
      }
    }
  }

  private func include(_ shares: UnsafeMutablePointer<Float>) {
    let experts = tables.shape.experts
    let topK = Float(tables.shape.topK)
    if tables.shape.topK == experts {
      for expert in 0..<experts { shares[expert] = 1 }
      return
    }
    var rate = topK
    for _ in 0..<8 {
      var sum: Float = 0
      var slope: Float = 0
      for expert in 0..<experts {
        let share = shares[expert]
        let absent = fastExp(-rate * share)
        sum += 1 - absent
        slope += share * absent
      }
      let step = (topK - sum) / max(slope, 1e-6)
      rate = min(1e6, max(topK, rate + step))
      if abs(topK - sum) < 1e-3 * topK { break }
    }
    for expert in 0..<experts { shares[expert] = 1 - fastExp(-rate * shares[expert]) }
  }
}
