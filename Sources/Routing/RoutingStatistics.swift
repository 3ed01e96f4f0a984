// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// What a cache sees of a model's routing: how often experts are used, and used again.
public struct RoutingStatistics: Sendable, Equatable {
  /// What to measure.
  public struct Plan: Sendable, Equatable {
    /// Distances between tokens for the overlap of their choices.
    public var lags: [Int] = [1, 2, 4, 8, 16, 32, 64, 128]
    /// Capacities as shares of a layer's experts; slots are rounded down, at least one.
    public var capacities: [Double] = [0.125, 0.25, 0.5, 0.75]
    /// Sizes of batches of tokens from unrelated sequences.
    public var batches: [Int] = [1, 2, 4, 8, 16, 32, 64]
    /// How many batches of each size are drawn.
    public var batchDraws: Int = 400
    /// Every how manieth token enters the association between layers; 0 leaves it out.
    public var associationStep: Int = 5

    /// The plan that `RoutingFit` uses.
    public init() {}
  }

  /// What was measured.
  public var plan: Plan
  /// The number of tokens.
  public var tokens: Int
  /// [lag][layer]: the share of a token's choices that the token `lag` before made too.
  public var overlap: [[Double]]
  /// [capacity][layer]: hit rate of LRU, one cache a layer, emptied at each sequence.
  public var hitRate: [[Double]]
  /// [batch][layer]: mean number of distinct experts in a batch.
  public var distinct: [[Double]]
  /// [layer][expert]: the share of tokens that choose the expert.
  public var inclusion: [[Double]]
  /// [layer]: the share of a layer's choices that are among the `topK` most likely given the
  /// choices of the layer before, by pair frequencies; 0 for the first layer.
  public var association: [Double]

  /// The mean over layers of one row.
  public static func mean(_ row: [Double]) -> Double {
    row.isEmpty ? 0 : row.reduce(0, +) / Double(row.count)
  }

  /// Measures a corpus.
  ///
  /// - Complexity: O(tokens × layers × topK × (lags × topK + experts)).
  public init(of corpus: RoutingCorpus, plan: Plan = Plan()) {
    self.plan = plan
    tokens = corpus.tokens
    let layers = corpus.shape.layers
    overlap = plan.lags.map { _ in [Double](repeating: 0, count: layers) }
    hitRate = plan.capacities.map { _ in [Double](repeating: 0, count: layers) }
    distinct = plan.batches.map { _ in [Double](repeating: 0, count: layers) }
    inclusion = []
    association = [Double](repeating: 0, count: layers)
    for layer in 0..<layers {
      inclusion.append(Self.inclusion(corpus, layer))
      for (index, lag) in plan.lags.enumerated() {
        overlap[index][layer] = Self.overlap(corpus, layer, lag: lag)
      }
      let positions = Self.stackPositions(corpus, layer)
      let accesses = Double(max(1, corpus.tokens * corpus.shape.topK))
      for (index, share) in plan.capacities.enumerated() {
        let slots = Self.slots(share, of: corpus.shape.experts)
        hitRate[index][layer] = Double(positions.prefix(slots).reduce(0, +)) / accesses
      }
      if layer > 0 && plan.associationStep > 0 {
        association[layer] = Self.association(corpus, layer, step: plan.associationStep)
      }
    }
    if corpus.sequences > 0 { measureDistinct(corpus) }
  }

  static func slots(_ share: Double, of experts: Int) -> Int {
    max(1, Int((share * Double(experts) + 1e-9).rounded(.down)))
  }

  private static func inclusion(_ corpus: RoutingCorpus, _ layer: Int) -> [Double] {
    let shape = corpus.shape
    var counts = [Int](repeating: 0, count: shape.experts)
    for token in 0..<corpus.tokens {
      let base = (token * shape.layers + layer) * shape.topK
      for rank in 0..<shape.topK { counts[Int(corpus.choices[base + rank])] += 1 }
    }
    return counts.map { Double($0) / Double(max(1, corpus.tokens)) }
  }

  private static func overlap(_ corpus: RoutingCorpus, _ layer: Int, lag: Int) -> Double {
    let topK = corpus.shape.topK
    let stride = corpus.shape.layers * topK
    var shared = 0
    var choices = 0
    corpus.choices.withUnsafeBufferPointer { all in
      for sequence in 0..<corpus.sequences {
        var token = corpus.starts[sequence] + lag
        while token < corpus.starts[sequence + 1] {
          let now = token * stride + layer * topK
          let before = now - lag * stride
          for rank in 0..<topK {
            for other in 0..<topK where all[now + rank] == all[before + other] { shared += 1 }
          }
          choices += topK
          token += 1
        }
      }
    }
    return choices == 0 ? 0 : Double(shared) / Double(choices)
  }

  /// How often a choice stands at each depth of the LRU stack of its layer.
  ///
  /// Depths are taken before the token touches anything; members are touched from the last rank
  /// to the first. By the inclusion property of LRU (Mattson and others, IBM Systems Journal 9,
  /// 1970) the depths give the hit rate of every capacity.
  static func stackPositions(_ corpus: RoutingCorpus, _ layer: Int) -> [Int] {
    let topK = corpus.shape.topK
    let stride = corpus.shape.layers * topK
    var counts = [Int](repeating: 0, count: corpus.shape.experts)
    var stack: [UInt16] = []
    stack.reserveCapacity(corpus.shape.experts)
    corpus.choices.withUnsafeBufferPointer { all in
      for sequence in 0..<corpus.sequences {
        stack.removeAll(keepingCapacity: true)
        for token in corpus.starts[sequence]..<corpus.starts[sequence + 1] {
          let base = token * stride + layer * topK
          for rank in 0..<topK {
            if let depth = stack.firstIndex(of: all[base + rank]) { counts[depth] += 1 }
          }
          for rank in Swift.stride(from: topK - 1, through: 0, by: -1) {
            touch(all[base + rank], &stack)
          }
        }
      }
    }
    return counts
  }

  private static func touch(_ expert: UInt16, _ stack: inout [UInt16]) {
    var depth = 0
    while depth < stack.count && stack[depth] != expert { depth += 1 }
    if depth == stack.count { stack.append(expert) }
    while depth > 0 {
      stack[depth] = stack[depth - 1]
      depth -= 1
    }
    stack[0] = expert
  }

  private mutating func measureDistinct(_ corpus: RoutingCorpus) {
    let shape = corpus.shape
    var stream = RandomStream(seed: 1, replication: 0, purpose: .resampling, entity: 0)
    var seen = [Int32](repeating: 0, count: shape.layers * shape.experts)
    var mark: Int32 = 0
    for (index, batch) in plan.batches.enumerated() {
      var totals = [Int](repeating: 0, count: shape.layers)
      for _ in 0..<plan.batchDraws {
        mark += 1
        // Sequences follow each other from a random one, so that none comes twice if avoidable.
        let first = stream.uniformInt(below: corpus.sequences)
        for member in 0..<batch {
          let sequence = (first + member * 7919) % corpus.sequences
          let length = corpus.starts[sequence + 1] - corpus.starts[sequence]
          let token = corpus.starts[sequence] + stream.uniformInt(below: length)
          for layer in 0..<shape.layers {
            let base = (token * shape.layers + layer) * shape.topK
            for rank in 0..<shape.topK {
              let cell = layer * shape.experts + Int(corpus.choices[base + rank])
              if seen[cell] != mark {
                seen[cell] = mark
                totals[layer] += 1
              }
            }
          }
        }
      }
      distinct[index] = totals.map { Double($0) / Double(plan.batchDraws) }
    }
  }

  /// Learns pair frequencies on odd sequences and predicts even ones.
  private static func association(_ corpus: RoutingCorpus, _ layer: Int, step: Int) -> Double {
    let shape = corpus.shape
    let experts = shape.experts
    var pairs = [Float](repeating: 0, count: experts * experts)
    var uses = [Float](repeating: 1e-9, count: experts)
    var scores = [Float](repeating: 0, count: experts)
    var found = 0
    var asked = 0
    for isTest in [false, true] {
      for sequence in stride(from: isTest ? 0 : 1, to: corpus.sequences, by: 2) {
        for token in stride(
          from: corpus.starts[sequence], to: corpus.starts[sequence + 1], by: step)
        {
          let now = (token * shape.layers + layer) * shape.topK
          let members = now..<now + shape.topK
          let before = now - shape.topK..<now
          if !isTest {
            for source in before {
              let row = Int(corpus.choices[source]) * experts
              uses[row / experts] += 1
              for member in members { pairs[row + Int(corpus.choices[member])] += 1 }
            }
            continue
          }
          for expert in 0..<experts { scores[expert] = 0 }
          for source in before {
            let row = Int(corpus.choices[source])
            let scale = 1 / uses[row]
            for expert in 0..<experts { scores[expert] += pairs[row * experts + expert] * scale }
          }
          for _ in 0..<shape.topK {
            var best = 0
            for expert in 1..<experts where scores[expert] > scores[best] { best = expert }
            scores[best] = -1
            for member in members where Int(corpus.choices[member]) == best { found += 1 }
          }
          asked += shape.topK
        }
      }
    }
    return asked == 0 ? 0 : Double(found) / Double(asked)
  }
}
