// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Routing

/// What decides for an execution: which experts each gate names, how the cache finds them, where
/// each goes, what is fetched ahead.
public protocol RehearsalDirector {
  /// What the cache holds at the beginning.
  var content: [Decision.Place] { get }

  /// The next forward pass, and what is fetched ahead when it begins; `nil` after the last.
  mutating func nextStep() throws -> (step: Decision.Step, ahead: [Decision.Prefetch])?

  /// The gate of a MoE layer has decided: its access, and what is fetched ahead behind its loads.
  mutating func access(layer: Int) throws -> (access: Decision.Access, ahead: [Decision.Prefetch])

  /// The experts of the layer have all come and been computed.
  mutating func computed(layer: Int)
}

/// Follows what a simulation decided.
///
/// What it fetched ahead between two gates is begun behind the loads of the first of them.
public struct RecordedDirector: RehearsalDirector {
  /// What the cache holds at the beginning.
  public let content: [Decision.Place]
  private let events: [Decision]
  private var next = 0

  /// Follows decisions from the first on.
  public init(content: [Decision.Place], decisions: [Decision]) {
    self.content = content
    events = decisions
  }

  /// Passes over what follows, up to the next step or access, and lists the fetches in it.
  private mutating func fetches() -> [Decision.Prefetch] {
    var result: [Decision.Prefetch] = []
    while next < events.count {
      switch events[next].event {
      case .step, .access: return result
      case .prefetch(let prefetch): result.append(prefetch)
      default: break
      }
      next += 1
    }
    return result
  }

  /// The next forward pass, and the fetches up to its first access.
  public mutating func nextStep() throws -> (step: Decision.Step, ahead: [Decision.Prefetch])? {
    _ = fetches()
    guard next < events.count else { return nil }
    guard case .step(let step) = events[next].event else {
      throw RehearsalRefusal("the decisions have more accesses than the model has layers")
    }
    next += 1
    return (step, fetches())
  }

  /// The next access, and the fetches up to the one behind it.
  public mutating func access(
    layer: Int
  ) throws -> (access: Decision.Access, ahead: [Decision.Prefetch]) {
    guard next < events.count, case .access(let access) = events[next].event,
      access.layer == layer
    else { throw RehearsalRefusal("the decisions lack an access of layer \(layer)") }
    next += 1
    return (access, fetches())
  }

  /// Does nothing: nothing depends on it.
  public mutating func computed(layer: Int) {}
}

/// A request whose tokens are computed.
public struct RehearsalRequest: Sendable, Equatable {
  /// Its number, the key of its routing.
  public var number: UInt64
  /// Tokens of its prompt.
  public var promptTokens: Int
  /// Tokens of its output.
  public var outputTokens: Int

  /// A request.
  public init(number: UInt64, promptTokens: Int, outputTokens: Int) {
    self.number = number
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
  }
}

/// Decides by itself, with the tier, the eviction rule and the routing that a simulation uses: for
/// policies that fetch on demand alone, whose decisions depend on no time.
public struct LiveDirector: RehearsalDirector {
  /// What the cache holds at the beginning.
  public private(set) var content: [Decision.Place] = []
  private var tier: ResidencyTier
  private var slots: SlotTable
  private var routing: any RoutingSource
  private let steps: [Decision.Step]
  private var nextIndex = 0
  private var step: Decision.Step
  private let requests: [RehearsalRequest]
  private let resetsPerRequest: Bool
  private var routingSlots: [UInt64: Int] = [:]
  private var activation: LayerActivation
  private var touchList: [Int32] = []
  private var touchKeys: [UInt64] = []
  private var members: [SetMember] = []
  private var set = SetAccess()
  private var places: [Int32] = []

  /// A director with a tier of its own.
  ///
  /// - Parameters:
  ///   - tier: The tier, with its initial content.
  ///   - routing: Where expert choices come from.
  ///   - steps: What each forward pass computes, in order.
  ///   - requests: The requests of these steps.
  ///   - resetsPerRequest: Whether the eviction rule's memory ends with each request.
  public init(
    tier: ResidencyTier, routing: any RoutingSource, steps: [Decision.Step],
    requests: [RehearsalRequest], resetsPerRequest: Bool = false
  ) {
    self.resetsPerRequest = resetsPerRequest
    self.tier = tier
    self.routing = routing
    self.steps = steps
    self.requests = requests
    step = Decision.Step(number: 0, tokens: 0, sequences: [])
    slots = SlotTable(tier.view)
    activation = LayerActivation(experts: tier.layout.experts)
    for index in 0..<tier.view.blockCount where tier.view.isPresent(BlockID(index)) {
      let block = BlockID(index)
      content.append(
        .init(block: block, slot: slots.assign(block, pool: tier.view.pool(of: block))))
    }
  }

  /// The tier as it stands.
  public var view: ResidencyView { tier.view }

  /// The next forward pass; nothing is fetched ahead.
  public mutating func nextStep() throws -> (step: Decision.Step, ahead: [Decision.Prefetch])? {
    for sequence in step.sequences {
      guard let request = requests.first(where: { $0.number == sequence.request }) else { continue }
      if sequence.position + sequence.tokens + 1 >= request.promptTokens + request.outputTokens {
        if let slot = routingSlots.removeValue(forKey: request.number) {
          routing.endSequence(slot: slot)
          if resetsPerRequest { tier.resetEviction() }
        }
      }
    }
    guard nextIndex < steps.count else { return nil }
    step = steps[nextIndex]
    nextIndex += 1
    for sequence in step.sequences where routingSlots[sequence.request] == nil {
      guard let request = requests.first(where: { $0.number == sequence.request }) else {
        throw RehearsalRefusal("a step computes request \(sequence.request), which is not known")
      }
      routingSlots[sequence.request] = try routing.beginSequence(
        request.number, promptTokens: request.promptTokens, outputTokens: request.outputTokens)
    }
    tier.beginStep()
    return (step, [])
  }

  /// Draws the gate's choices and has the cache judge them.
  public mutating func access(
    layer: Int
  ) throws -> (access: Decision.Access, ahead: [Decision.Prefetch]) {
    tier.beginLayer(layer)
    draw(layer: layer)
    activation.touchOrderByWeight(into: &touchList, keys: &touchKeys)
    members.removeAll(keepingCapacity: true)
    for expert in touchList {
      members.append(
        SetMember(
          block: tier.layout.block(layer: layer, expert: Int(expert)),
          weight: activation.weightPerExpert[Int(expert)]))
    }
    set.begin(members, in: &tier)
    slots.access(members, evicted: set.evicted, view: tier.view, into: &places)
    let evicted = zip(set.evicted, places).map { Decision.Place(block: $0, slot: Int($1)) }
    let list = members.indices.map { place in
      let block = members[place].block
      let found: Decision.Found =
        switch set.outcomes[place] {
        case .hit: .hit
        case .late: .late
        case .fetched: .miss
        case .streamed: .streamed
        }
      let own = slots[block]
      let slot = own >= 0 ? own : Int(evicted.first { $0.block == block }?.slot ?? -1)
      return Decision.Member(
        block: block, tokens: Int(activation.tokensPerExpert[tier.layout.expert(of: block)]),
        weight: members[place].weight, found: found, slot: slot)
    }
    return (Decision.Access(layer: layer, members: list, evicted: evicted), [])
  }

  /// Completes what was fetched.
  public mutating func computed(layer: Int) {
    for place in members.indices where set.outcomes[place] == .fetched {
      tier.complete(members[place].block)
    }
  }

  private mutating func draw(layer: Int) {
    activation.reset()
    for sequence in step.sequences {
      guard let slot = routingSlots[sequence.request],
        let request = requests.first(where: { $0.number == sequence.request })
      else { continue }
      let prompt = sequence.tokens - sequence.outputs
      if prompt > 0 {
        routing.addPrefill(
          slot: slot, position: sequence.position, count: prompt, layer: layer, to: &activation)
      }
      let first = max(0, sequence.position - request.promptTokens)
      for output in first..<first + sequence.outputs {
        routing.addDecode(slot: slot, position: output, layer: layer, to: &activation)
      }
    }
  }
}
