// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Routing

/// The routing of a model from which experts or choices were taken away.
///
/// The rule, for one token: of its choices, heaviest first, those that stay move up; for each one that
/// is gone a stand-in is drawn from the layer's remaining experts by their popularity, none twice; the
/// first `topK` of these are used. Gate weights stay with the ranks, and are scaled to the sum that
/// they had. A real gate would look up its next likely expert for that very token, which records of
/// choices do not tell: stand-ins are therefore right on average and less like each other from token
/// to token than real ones.
///
/// For pieces of prompts, of which a source may know only how many tokens chose each expert, the
/// counts are dealt out by the same rule: those of removed experts go to remaining ones by popularity,
/// none above the number of tokens; fewer choices scale all counts alike.
///
/// Stand-ins depend on seed, request, position and layer alone.
public struct ReducedRouting: RoutingSource {
  private var base: any RoutingSource
  private let reduction: RoutingReduction
  private let stream: RandomStream
  private var keys: [SequenceKey] = []
  private var whole: LayerActivation
  private var token = TokenChoices()
  private var chosen: [Int32] = []
  private var dealt: [Double] = []
  private var places: [Int32] = []

  /// Counts up to which stand-ins of a piece of prompt are drawn one by one.
  private static let largestDrawn = 128

  /// The reduction of `base`.
  public init(
    _ base: any RoutingSource, reduction: RoutingReduction, seed: UInt64, replication: UInt32
  ) {
    precondition(
      base.shape.layers == reduction.original.layers
        && base.shape.experts == reduction.original.experts,
      "A reduction is made for the shape of its source.")
    self.base = base
    self.reduction = reduction
    stream = RandomStream(
      seed: seed, replication: replication, purpose: .routingReplacement, entity: 0)
    whole = LayerActivation(experts: base.shape.experts)
  }

  /// The shape that is left.
  public var shape: RoutingShape { reduction.shape }
  /// Weights are as real as those of the source.
  public var hasGateWeights: Bool { base.hasGateWeights }
  /// Those of the source.
  public var notices: [String] { base.notices }

  /// Begins a request at the source.
  public mutating func beginSequence(
    _ key: SequenceKey, promptTokens: Int, outputTokens: Int
  ) throws -> Int {
    let slot = try base.beginSequence(key, promptTokens: promptTokens, outputTokens: outputTokens)
    while keys.count <= slot { keys.append(0) }
    keys[slot] = key
    return slot
  }

  /// Ends a request.
  public mutating func endSequence(slot: Int) { base.endSequence(slot: slot) }

  /// Adds the choices of one output token.
  public mutating func addDecode(
    slot: Int, position: Int, layer: Int, to activation: inout LayerActivation
  ) {
    whole.reset()
    base.addDecode(slot: slot, position: position, layer: layer, to: &whole)
    addToken(
      place(slot: slot, position: position, layer: layer, isPrompt: false), layer, &activation)
  }

  /// Adds the choices of a piece of prompt.
  public mutating func addPrefill(
    slot: Int, position: Int, count: Int, layer: Int, to activation: inout LayerActivation
  ) {
    guard count > 0 else { return }
    whole.reset()
    base.addPrefill(slot: slot, position: position, count: count, layer: layer, to: &whole)
    let random = place(slot: slot, position: position, layer: layer, isPrompt: true)
    if count == 1 {
      addToken(random, layer, &activation)
    } else {
      addCounts(random, layer, &activation)
    }
  }

  /// The stream of one token's, or one piece's, stand-ins in a layer.
  private func place(slot: Int, position: Int, layer: Int, isPrompt: Bool) -> RandomStream {
    var random = stream.forEntity(keys[slot])
    // 26 bits of position, 12 of layer, 8 of blocks for one token.
    let token = UInt64(truncatingIfNeeded: position & 0x3FF_FFFF)
    random.seek(
      block: (isPrompt ? 1 &<< 47 : 0) | token &<< 20 | UInt64(truncatingIfNeeded: layer) &<< 8)
    return random
  }

  // MARK: One token

  private mutating func addToken(
    _ stream: RandomStream, _ layer: Int, _ activation: inout LayerActivation
  ) {
    var random = stream
    token.read(whole)
    chosen.removeAll(keepingCapacity: true)
    let first = layer * reduction.original.experts
    for expert in token.experts {
      let number = reduction.numbers[first + Int(expert)]
      if number >= 0 { chosen.append(number) }
    }
    let wanted = min(reduction.shape.topK, token.experts.count)
    while chosen.count < wanted { chosen.append(standIn(layer, &random)) }
    var all: Float = 0
    for weight in token.weights { all += weight }
    var used: Float = 0
    for rank in 0..<wanted { used += token.weights[rank] }
    let scale = used > 0 ? all / used : 1
    for rank in 0..<wanted {
      activation.add(expert: chosen[rank], weight: token.weights[rank] * scale)
    }
    activation.tokens += 1
  }

  /// One of a layer's remaining experts that the token does not use yet, by popularity.
  private func standIn(_ layer: Int, _ random: inout RandomStream) -> Int32 {
    let keep = reduction.shape.experts
    let first = layer * keep
    var sum: Float = 0
    for number in 0..<keep where !chosen.contains(Int32(number)) {
      sum += reduction.popularity[first + number]
    }
    var left = Float(random.uniform()) * sum
    var last: Int32 = 0
    for number in 0..<keep where !chosen.contains(Int32(number)) {
      last = Int32(number)
      left -= reduction.popularity[first + number]
      if left < 0 { break }
    }
    return last
  }

  // MARK: Counts of many tokens

  private mutating func addCounts(
    _ stream: RandomStream, _ layer: Int, _ activation: inout LayerActivation
  ) {
    let keep = reduction.shape.experts
    let first = layer * reduction.original.experts
    let tokens = Double(whole.tokens)
    dealt.removeAll(keepingCapacity: true)
    dealt.append(contentsOf: repeatElement(0, count: keep))
    var moved = 0
    var total = 0
    var weight = 0.0
    for expert in whole.distinct {
      let count = Int(whole.tokensPerExpert[Int(expert)])
      let number = reduction.numbers[first + Int(expert)]
      weight += Double(whole.weightPerExpert[Int(expert)])
      total += count
      if number >= 0 { dealt[Int(number)] += Double(count) } else { moved += count }
    }
    if moved <= Self.largestDrawn {
      var random = stream
      for _ in 0..<moved { drawOne(layer, tokens, &random) }
    } else {
      deal(Double(moved), layer, tokens)
    }
    let before = reduction.original.topK
    if reduction.shape.topK < before {
      let scale = Double(reduction.shape.topK) / Double(before)
      for number in dealt.indices { dealt[number] *= scale }
      total = Int((Double(total) * scale).rounded())
    }
    add(total: total, weight: weight, &activation)
    activation.tokens += whole.tokens
  }

  /// Gives one more token to an expert that not all tokens use, by popularity.
  private mutating func drawOne(_ layer: Int, _ tokens: Double, _ random: inout RandomStream) {
    let first = layer * dealt.count
    var sum: Float = 0
    for number in dealt.indices where dealt[number] < tokens {
      sum += reduction.popularity[first + number]
    }
    var left = Float(random.uniform()) * sum
    var last: Int?
    for number in dealt.indices where dealt[number] < tokens {
      last = number
      left -= reduction.popularity[first + number]
      if left < 0 { break }
    }
    if let last { dealt[last] += 1 }
  }

  /// Gives many tokens to the experts in proportion to popularity, to none more than there are.
  private mutating func deal(_ moved: Double, _ layer: Int, _ tokens: Double) {
    let first = layer * dealt.count
    var left = moved
    // Each round fills at least one expert, or gives all that is left.
    for _ in dealt.indices where left > 1e-9 {
      var sum = 0.0
      for number in dealt.indices where dealt[number] < tokens {
        sum += Double(reduction.popularity[first + number])
      }
      guard sum > 0 else { return }
      let share = left / sum
      for number in dealt.indices where dealt[number] < tokens {
        let gift = min(
          share * Double(reduction.popularity[first + number]), tokens - dealt[number])
        dealt[number] += gift
        left -= gift
      }
    }
  }

  /// Rounds what was dealt to whole tokens that sum to `total`, the largest remainders up.
  private mutating func add(
    total: Int, weight: Double, _ activation: inout LayerActivation
  ) {
    var rest = total
    places.removeAll(keepingCapacity: true)
    for number in dealt.indices {
      rest -= Int(dealt[number])
      places.append(Int32(number))
    }
    if rest > 0 {
      let fraction = { (place: Int32, dealt: [Double]) in
        dealt[Int(place)] - dealt[Int(place)].rounded(.down)
      }
      let shares = dealt
      places.sort {
        let (left, right) = (fraction($0, shares), fraction($1, shares))
        return left == right ? $0 < $1 : left > right
      }
    }
    let perToken = total > 0 ? weight / Double(total) : 0
    for (rank, place) in places.enumerated() {
      let count = Int(dealt[Int(place)]) + (rank < rest ? 1 : 0)
      guard count > 0 else { continue }
      activation.add(
        expert: place, weight: Float(perToken * Double(count)), tokens: Int32(count))
    }
  }
}
