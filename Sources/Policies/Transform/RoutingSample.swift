// SPDX-License-Identifier: GPL-3.0-or-later

import Routing

/// What some tokens of a routing source choose: the sample text on which a method is set up.
public struct RoutingSample: Sendable {
  /// The routing's shape.
  public let shape: RoutingShape
  /// Tokens that were drawn.
  public private(set) var tokens = 0
  /// [layer][expert]: how many of them chose the expert.
  public private(set) var uses: [Double]
  /// [layer][expert]: the gate weight that the expert received.
  public private(set) var weights: [Double]
  /// [layer]: the ratio of the second gate weight of a token to its first, sorted.
  public private(set) var ratios: [[Float]]

  /// Draws from a source that serves nothing else.
  ///
  /// The sequences are none of a run's, except where a trace has no others.
  ///
  /// - Throws: What the source throws at its first sequence.
  public init(
    of source: any RoutingSource, sequences: Int = 32, tokens: Int = 32
  ) throws {
    var source = source
    shape = source.shape
    uses = [Double](repeating: 0, count: shape.layers * shape.experts)
    weights = uses
    ratios = Array(repeating: [], count: shape.layers)
    var activation = LayerActivation(experts: shape.experts)
    var token = TokenChoices()
    for sequence in 0..<sequences {
      guard let slot = try Self.begin(sequence, of: &source, tokens: tokens) else { break }
      for position in 0..<tokens {
        for layer in 0..<shape.layers {
          activation.reset()
          source.addDecode(slot: slot, position: position, layer: layer, to: &activation)
          token.read(activation)
          note(token, layer: layer)
        }
      }
      source.endSequence(slot: slot)
      self.tokens += tokens
    }
    for layer in ratios.indices { ratios[layer].sort() }
  }

  /// Begins a sequence that no request has; of a trace that gives each of its sequences once, the
  /// sequence of that number; `nil` when there are no more.
  private static func begin(
    _ sequence: Int, of source: inout any RoutingSource, tokens: Int
  ) throws -> Int? {
    let free = UInt64(1) << 41 | UInt64(sequence)
    if let slot = try? source.beginSequence(free, promptTokens: 1, outputTokens: 1) { return slot }
    do {
      return try source.beginSequence(UInt64(sequence), promptTokens: 1, outputTokens: 1)
    } catch {
      if sequence == 0 { throw error }
      return nil
    }
  }

  private mutating func note(_ token: TokenChoices, layer: Int) {
    for (expert, weight) in zip(token.experts, token.weights) {
      uses[layer * shape.experts + Int(expert)] += 1
      weights[layer * shape.experts + Int(expert)] += Double(weight)
    }
    if token.weights.count > 1, token.weights[0] > 0 {
      ratios[layer].append(token.weights[1] / token.weights[0])
    }
  }

  /// The ratio of the second gate weight to the first that half of all tokens fall short of; `nil`
  /// when tokens have one choice.
  public var medianRatio: Float? {
    var all = ratios.flatMap { $0 }
    guard !all.isEmpty else { return nil }
    all.sort()
    return all[all.count / 2]
  }
}

/// One token's choices in one layer, heaviest first; buffers that are used again.
struct TokenChoices {
  private(set) var experts: [Int32] = []
  private(set) var weights: [Float] = []

  /// Takes over an activation that holds one token.
  mutating func read(_ activation: borrowing LayerActivation) {
    experts.removeAll(keepingCapacity: true)
    weights.removeAll(keepingCapacity: true)
    for expert in activation.distinct {
      let weight = activation.weightPerExpert[Int(expert)]
      var place = experts.count
      while place > 0 && weights[place - 1] < weight { place -= 1 }
      experts.insert(expert, at: place)
      weights.insert(weight, at: place)
    }
  }
}
