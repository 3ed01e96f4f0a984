// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import KernelTiming
import ModelDescriptors
import Routing

/// How long a layer's routed experts take on each group of GPUs, by the tokens of a step.
///
/// What a step's gates choose is drawn once, from the run's own routing, for a grid of token counts:
/// decoding tokens, each of a sequence of its own, and prompts of up to 512 tokens. Of each draw and
/// layer the grouped kernel's time is taken on every group under the placement; the layer waits for the
/// slowest. The table keeps the means over draws and layers, the slowest group's and each group's own, and
/// interpolates between token counts. So imbalance is that of the routing, and a step costs O(groups).
struct ExpertLoadTable: Sendable {
  /// What is drawn of one kind of token.
  fileprivate struct Curve: Sendable {
    /// Token counts, ascending.
    var tokens: [Double] = []
    /// Seconds of the slowest group.
    var slowest: [Double] = []
    /// Seconds of each group, group by group within a token count.
    var own: [Double] = []
    /// The greatest share of token–expert pairs that one group computes, over the mean.
    var imbalance: [Double] = []
    /// Groups that hold at least one of a token's experts, on average.
    var spread: [Double] = []
    /// Bytes that all groups read and write.
    var bytes: [Double] = []
    /// Distinct experts.
    var distinct: [Double] = []
  }

  /// The time of a layer's experts.
  struct Times {
    /// Seconds until the slowest group has computed.
    var slowest = 0.0
    /// The most loaded group's token–expert pairs over the mean.
    var imbalance = 1.0
    /// Groups that a token's experts are spread over.
    var spread = 1.0
    /// Bytes that all groups read and write.
    var bytes = 0.0
    /// Distinct experts that the tokens use.
    var distinct = 0.0
  }

  let groups: Int
  private var decode = Curve()
  private var prompt = Curve()

  /// The longest piece of a prompt that is drawn as one, where that makes no more pieces than there are
  /// sequences.
  private static let promptPiece = 512
  /// Sequences of one draw, at most: beginning one takes longer than its choices.
  fileprivate static let mostSequences = 48
  /// Prompt tokens beyond which nothing is drawn.
  private static let mostPrompt = 32_768
  /// Token–expert pairs that are drawn of each token count, at most.
  private static let drawBudget = 16_384
  /// Decoding tokens beyond which nothing is drawn: with more, every expert has its share, and all grows
  /// in proportion.
  private static let mostDecoding = 2048

  /// Draws the table.
  ///
  /// - Parameters:
  ///   - routing: What is drawn of; sequences of numbers from 2⁴⁰ on, which no workload reaches.
  ///   - placement: Which groups hold which experts.
  ///   - costs: The layer's coefficients as one GPU sees it.
  ///   - timing: The GPU.
  ///   - maximumTokens: The most tokens of a step.
  ///   - draws: Where draws of this routing are kept.
  /// - Throws: What the routing throws.
  init(
    routing: inout any RoutingSource, placement: ExpertPlacement, costs: LayerCosts,
    timing: DeviceTiming, maximumTokens: Int, draws: ExpertDraws
  ) throws {
    groups = placement.groups
    var sampler = Sampler(
      placement: placement, costs: costs, timing: timing, shape: routing.shape, kept: draws)
    var counts: [Int] = []
    var count = 1
    while count < maximumTokens {
      counts.append(count)
      count *= 2
    }
    counts.append(maximumTokens)
    for tokens in counts {
      for isPrompt in [false, true]
      where tokens <= (isPrompt ? Self.mostPrompt : Self.mostDecoding) {
        let point = try sampler.point(
          tokens: tokens, isPrompt: isPrompt, piece: Self.promptPiece, budget: Self.drawBudget,
          routing: &routing)
        if isPrompt {
          prompt.append(point)
        } else {
          decode.append(point)
        }
      }
    }
  }

  /// The time of a layer's experts in a step of so many decoding and prompt tokens; adds to `own`
  /// what each group computes itself, times `layers` [s].
  ///
  /// - Complexity: O(groups + log token counts).
  func times(
    decode decodeTokens: Int, prompt promptTokens: Int, layers: Double, own: inout [Double]
  ) -> Times {
    let total = decodeTokens + promptTokens
    guard total > 0 else { return Times() }
    var times = Times(slowest: 0, imbalance: 0, spread: 0)
    for (curve, tokens) in [(decode, decodeTokens), (prompt, promptTokens)] where tokens > 0 {
      let share = Double(tokens) / Double(total)
      curve.add(
        tokens: Double(total), share: share, groups: groups, layers: layers, to: &times, own: &own)
    }
    return times
  }
}

extension ExpertLoadTable.Curve {
  fileprivate mutating func append(_ point: ExpertLoadTable.Point) {
    tokens.append(point.tokens)
    slowest.append(point.slowest)
    own += point.own
    imbalance.append(point.imbalance)
    spread.append(point.spread)
    bytes.append(point.bytes)
    distinct.append(point.distinct)
  }

  fileprivate func add(
    tokens wanted: Double, share: Double, groups: Int, layers: Double,
    to times: inout ExpertLoadTable.Times, own result: inout [Double]
  ) {
    var low = 0
    var high = tokens.count - 1
    while high - low > 1 {
      let middle = (low + high) / 2
      if tokens[middle] <= wanted { low = middle } else { high = middle }
    }
    high = min(low + 1, tokens.count - 1)
    let span = tokens[high] - tokens[low]
    // Beyond the last count everything grows in proportion.
    let part = span > 0 ? (wanted - tokens[low]) / span : 0
    let mix = { (values: [Double]) in values[low] + part * (values[high] - values[low]) }
    times.slowest += share * mix(slowest)
    // Shares do not grow.
    let inside = min(1, part)
    times.imbalance += share * (imbalance[low] + inside * (imbalance[high] - imbalance[low]))
    times.spread += share * (spread[low] + inside * (spread[high] - spread[low]))
    times.bytes += share * mix(bytes)
    times.distinct += share * (distinct[low] + inside * (distinct[high] - distinct[low]))
    for group in 0..<groups {
      let (first, second) = (own[low * groups + group], own[high * groups + group])
      result[group] += share * layers * (first + part * (second - first))
    }
  }
}

extension ExpertLoadTable {
  /// The means of one token count.
  fileprivate struct Point {
    var tokens: Double
    var slowest = 0.0
    var own: [Double]
    var imbalance = 0.0
    var spread = 0.0
    var bytes = 0.0
    var distinct = 0.0
  }

  /// Draws token counts.
  fileprivate struct Sampler {
    let placement: ExpertPlacement
    let costs: LayerCosts
    let timing: DeviceTiming
    let shape: RoutingShape
    let kept: ExpertDraws
    var activation: LayerActivation
    var nextSequence: UInt64 = 1 << 40
    var pairs: [Double]
    var distinct: [Int]

    init(
      placement: ExpertPlacement, costs: LayerCosts, timing: DeviceTiming, shape: RoutingShape,
      kept: ExpertDraws
    ) {
      self.placement = placement
      self.costs = costs
      self.timing = timing
      self.shape = shape
      self.kept = kept
      activation = LayerActivation(experts: shape.experts)
      pairs = [Double](repeating: 0, count: placement.groups)
      distinct = [Int](repeating: 0, count: placement.groups)
    }

    /// Sequences of `piece` prompt tokens, or one decoding token each, `tokens` in all.
    mutating func point(
      tokens: Int, isPrompt: Bool, piece: Int, budget: Int, routing: inout any RoutingSource
    ) throws -> Point {
      let key = ExpertDraws.Key(
        shape: shape, tokens: tokens, isPrompt: isPrompt, firstSequence: nextSequence)
      let drawn = try kept.draw(key) {
        try draw(tokens: tokens, isPrompt: isPrompt, piece: piece, budget: budget, of: &routing)
      }
      nextSequence = drawn.nextSequence
      var point = Point(tokens: Double(tokens), own: [Double](repeating: 0, count: groups))
      for sample in drawn.layers.indices { add(drawn, sample: sample, to: &point) }
      let scale = 1 / Double(drawn.layers.count)
      point.slowest *= scale
      point.imbalance *= scale
      point.spread *= scale
      point.bytes *= scale
      point.distinct *= scale
      for group in 0..<groups { point.own[group] *= scale }
      return point
    }

    /// Draws what gates choose for so many tokens: few tokens often, many in few layers.
    private mutating func draw(
      tokens: Int, isPrompt: Bool, piece: Int, budget: Int, of routing: inout any RoutingSource
    ) throws -> ExpertDraws.Draw {
      let affordable = max(1, budget / (tokens * shape.topK))
      let layerCount = min(shape.layers, max(4, affordable))
      let draws = max(1, min(24, affordable / layerCount))
      var drawn = ExpertDraws.Draw()
      for draw in 0..<draws {
        let slots = try begin(
          tokens: tokens, isPrompt: isPrompt, piece: piece, routing: &routing)
        for step in 0..<layerCount {
          let layer = (step * shape.layers / layerCount + draw) % shape.layers
          activation.reset()
          for slot in slots {
            if isPrompt {
              routing.addPrefill(
                slot: slot.slot, position: 0, count: slot.tokens, layer: layer, to: &activation)
            } else {
              for position in 0..<slot.tokens {
                routing.addDecode(
                  slot: slot.slot, position: 4 + 61 * position, layer: layer, to: &activation)
              }
            }
          }
          drawn.append(layer: layer, activation)
        }
        for slot in slots { routing.endSequence(slot: slot.slot) }
      }
      drawn.nextSequence = nextSequence
      return drawn
    }

    private var groups: Int { placement.groups }

    private mutating func begin(
      tokens: Int, isPrompt: Bool, piece: Int, routing: inout any RoutingSource
    ) throws -> [(slot: Int, tokens: Int)] {
      var slots: [(slot: Int, tokens: Int)] = []
      var left = tokens
      // Of very many tokens, some are of one sequence; decoding ones far apart.
      let least = (tokens + ExpertLoadTable.mostSequences - 1) / ExpertLoadTable.mostSequences
      let each = isPrompt ? max(piece, least) : least
      while left > 0 {
        let count = min(each, left)
        let slot = try routing.beginSequence(
          nextSequence, promptTokens: isPrompt ? count : 64, outputTokens: 8 + 61 * each)
        nextSequence += 1
        slots.append((slot, count))
        left -= count
      }
      return slots
    }

    /// Adds what one layer's draw means for each group.
    private mutating func add(_ drawn: ExpertDraws.Draw, sample: Int, to point: inout Point) {
      let layer = Int(drawn.layers[sample])
      for group in 0..<groups {
        pairs[group] = 0
        distinct[group] = 0
      }
      var total = 0.0
      // The chance that a token has none of a group's experts, were its choices independent.
      var absent = 0.0
      for place in Int(drawn.starts[sample])..<Int(drawn.starts[sample + 1]) {
        let count = Double(drawn.tokens[place])
        let hosts = placement.hosts(layer: layer, expert: Int(drawn.experts[place]))
        total += count
        for host in hosts {
          pairs[Int(host)] += count / Double(hosts.count)
          distinct[Int(host)] += 1
        }
      }
      var slowest = 0.0
      var most = 0.0
      for group in 0..<groups {
        most = max(most, pairs[group])
        absent += pow(max(0, 1 - pairs[group] / max(1, total)), Double(shape.topK))
        guard distinct[group] > 0 else { continue }
        let work = costs.groupedExpertWork(
          assignments: Int(max(Double(distinct[group]), pairs[group]).rounded()),
          distinct: distinct[group])
        let seconds =
          timing.seconds(work) + Double(distinct[group]) * timing.software.perExpert
        point.own[group] += seconds
        point.bytes += work.bytes
        slowest = max(slowest, seconds)
      }
      point.slowest += slowest
      point.distinct += Double(drawn.starts[sample + 1] - drawn.starts[sample])
      point.imbalance += total > 0 ? most * Double(groups) / total : 1
      point.spread += Double(groups) - absent
    }
  }
}
