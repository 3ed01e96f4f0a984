// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Routing

/// What a step costs a replica that is spread over several GPUs.
///
/// Attention, dense parts and shared experts are computed by each rank on its own tokens, cut among its
/// GPUs; an all-reduce joins what its GPUs have computed. Routed experts are computed by all GPUs of a
/// stage on the tokens of all ranks, so that each MoE layer ends when the slowest rank has sent its
/// tokens and the slowest group of experts has computed them. A step costs O(entries + ranks × classes).
struct ReplicaCosts: Sendable {
  /// Layers of one stage with equal costs.
  private struct LayerClass: Sendable {
    var costs: LayerCosts
    var span: Int
    var stage: Int
    var count: Double
    var isMixture: Bool
    /// The table of its experts' loads; -1 without experts.
    var table: Int
  }

  /// What one stage takes in a step, and where it goes; all in seconds along the critical path.
  struct StageTimes: Sendable {
    var attention = 0.0
    var dense = 0.0
    var gate = 0.0
    var shared = 0.0
    var experts = 0.0
    var ends = 0.0
    var overhead = 0.0
    var collectives = 0.0
    var draft = 0.0

    var total: Double {
      attention + dense + gate + shared + experts + ends + overhead + collectives + draft
    }
  }

  let plan: ParallelPlan
  private let model: ModelCosts
  private let timing: DeviceTiming
  private let classes: [LayerClass]
  private let tables: [ExpertLoadTable]
  private let collectives: ReplicaCollectives
  private let dispatch: ExpertDispatch
  /// Bytes of one token's hidden state between devices.
  private let tokenBytes: Double
  /// The same for the inputs of experts.
  private let dispatchBytes: Double
  private let logitBytes: Double
  /// Stages of the step that was prepared last.
  private(set) var stages: [StageTimes]
  /// How long the host launches the first stage's kernels one by one, in which it plans nothing [s].
  private(set) var launchSeconds = 0.0
  /// What each GPU computed in the step prepared last [s]: by stage, rank and place in the rank.
  private(set) var busy: [Double]
  /// Bytes that all GPUs read and write in the step prepared last.
  private(set) var deviceBytes = 0.0
  /// The most loaded group's token–expert pairs over the mean in the step prepared last.
  private(set) var imbalance = 1.0

  /// Distinct experts that the step prepared last uses, summed over MoE layers.
  private(set) var activatedExperts = 0.0

  // Buffers of a step.
  private(set) var loads: [AttentionLoad]
  private var tokens: [Int]
  private(set) var decodeTokens: [Int]
  /// Whether a rank computes prompts.
  private(set) var prompts: [Bool]
  /// Layers of each stage.
  private let stageLayers: [Double]
  private var sampled: [Int]
  private var own: [Double]
  private var groupSeconds: [Double]

  /// - Parameters:
  ///   - model: The model as one GPU sees it.
  ///   - whole: The model as it is.
  ///   - makeTable: Makes the table of a MoE layer's loads from its costs.
  init(
    shard model: ModelDescriptor, whole: ModelDescriptor, precision: PrecisionPlan,
    timing: DeviceTiming, plan: ParallelPlan, dispatch: ExpertDispatch,
    collectives: ReplicaCollectives, makeTable: (LayerCosts) throws -> ExpertLoadTable
  ) throws {
    self.plan = plan
    self.timing = timing
    self.dispatch = dispatch
    self.collectives = collectives
    let costs = model.costs(under: precision)
    self.model = costs
    var classes: [LayerClass] = []
    var tables: [ExpertLoadTable] = []
    var tableCosts: [ProjectionCost] = []
    for (stage, range) in plan.stages(layers: model.layers.count).enumerated() {
      for layer in range {
        let own = costs.layers[layer]
        let span = Int(costs.spanOfLayer[layer])
        if let found = classes.firstIndex(where: {
          $0.stage == stage && $0.span == span && $0.costs == own
        }) {
          classes[found].count += 1
          continue
        }
        let isMixture = model.layers[layer].mixture != nil
        var table = -1
        if isMixture {
          table = tableCosts.firstIndex(of: own.expert) ?? -1
          if table < 0 {
            table = tables.count
            tables.append(try makeTable(own))
            tableCosts.append(own.expert)
          }
        }
        classes.append(
          LayerClass(
            costs: own, span: span, stage: stage, count: 1, isMixture: isMixture, table: table))
      }
    }
    self.classes = classes
    self.tables = tables
    tokenBytes = Double(model.hiddenSize) * precision.activations.bytesPerElement
    // Experts that multiply 8 bits or fewer get their rows in 8 bits; sums come back in 16.
    let narrow = precision.experts.bitsPerWeight <= 9 && !precision.experts.isWeightOnly
    dispatchBytes = narrow ? Double(model.hiddenSize) : tokenBytes
    logitBytes = 2 * Double(whole.vocabularySize)
    stages = [StageTimes](repeating: StageTimes(), count: plan.pipeline)
    busy = [Double](repeating: 0, count: plan.devices)
    loads = [AttentionLoad](repeating: AttentionLoad(), count: plan.data * costs.spans.count)
    tokens = [Int](repeating: 0, count: plan.data)
    decodeTokens = tokens
    prompts = [Bool](repeating: false, count: plan.data)
    stageLayers = plan.stages(layers: model.layers.count).map { Double($0.count) }
    sampled = tokens
    own = [Double](repeating: 0, count: plan.data)
    groupSeconds = [Double](repeating: 0, count: plan.expert)
  }

  /// Begins a step: no rank has anything to compute.
  mutating func begin() {
    for index in loads.indices { loads[index] = AttentionLoad() }
    for rank in 0..<plan.data {
      tokens[rank] = 0
      decodeTokens[rank] = 0
      prompts[rank] = false
      sampled[rank] = 0
    }
  }

  /// Adds one sequence's part of the step to a rank.
  @inline(__always)
  mutating func add(_ entry: StepEntry, samples: Bool, rank: Int) {
    let spans = model.spans.count
    if entry.isPrefill { prompts[rank] = true }
    if entry.isPrefill {
      for span in 0..<spans {
        loads[rank * spans + span].addPrefill(
          position: Int(entry.position), count: Int(entry.tokens), span: model.spans[span])
      }
    } else if entry.tokens > 1 {
      for span in 0..<spans {
        loads[rank * spans + span].addVerification(
          position: Int(entry.position), count: Int(entry.tokens), span: model.spans[span])
      }
    } else {
      for span in 0..<spans {
        loads[rank * spans + span].addDecode(
          visible: Int(entry.position) + 1, span: model.spans[span])
      }
    }
    tokens[rank] += Int(entry.tokens)
    if !entry.isPrefill {
      decodeTokens[rank] += Int(entry.tokens)
      sampled[rank] += Int(entry.tokens)
    } else if samples {
      sampled[rank] += 1
    }
  }

  /// Adds the drafting of tokens behind the step [s], on the last stage.
  mutating func addDraft(seconds: Double) { stages[plan.pipeline - 1].draft += seconds }

  /// The time of the step that was prepared last, all stages [s].
  var seconds: Double { stages.reduce(0) { $0 + $1.total } }

  /// Computes the stages' times and what each GPU is busy for.
  ///
  /// - Complexity: O(ranks × classes + GPUs).
  mutating func finish() {
    for stage in stages.indices { stages[stage] = StageTimes() }
    for device in busy.indices { busy[device] = 0 }
    deviceBytes = 0
    imbalance = 1
    activatedExperts = 0
    if plan.data > 1 { padRanks() }
    for index in classes.indices { finishClass(classes[index]) }
    finishEnds()
  }

  /// A rank that has nothing to compute takes part with one token, so that collectives are whole. Where
  /// ranks gather each other's tokens, all pad theirs to those of the rank with the most, and compute what
  /// they padded (vLLM's `coordinate_batch_across_dp`).
  private mutating func padRanks() {
    var least = 1
    if dispatch == .allGather {
      for count in tokens where count > least { least = count }
    }
    for rank in 0..<plan.data where tokens[rank] < least { tokens[rank] = least }
  }

  /// One class of layers: what ranks compute alone, then together.
  private mutating func finishClass(_ kind: LayerClass) {
    var times = StageTimes()
    var slowest = (rank: 0, seconds: -1.0)
    var parts = (attention: 0.0, gate: 0.0, rest: 0.0)
    let spans = model.spans.count
    for rank in 0..<plan.data {
      let count = tokens[rank]
      guard count > 0 else { continue }
      let attention = kind.costs.attentionWork(loads[rank * spans + kind.span])
      let around = kind.costs.elementwiseWork(tokens: count)
      let mixing = timing.seconds(attention) + timing.seconds(around)
      var gate = 0.0
      var rest = 0.0
      var bytes = attention.bytes + around.bytes
      if kind.isMixture {
        let gateWork = kind.costs.gateWork(tokens: count)
        gate = timing.seconds(gateWork)
        bytes += gateWork.bytes
        for work in [
          kind.costs.sharedExpertWork(tokens: count), kind.costs.parallelDenseWork(tokens: count),
          kind.costs.latentWork(tokens: count), kind.costs.combineWork(tokens: count),
        ] {
          rest += timing.seconds(work)
          bytes += work.bytes
        }
      } else {
        let work = kind.costs.denseWork(tokens: count)
        rest = timing.seconds(work)
        bytes += work.bytes
      }
      deviceBytes += bytes * kind.count * Double(plan.tensor)
      let seconds = mixing + gate + rest
      addBusy(seconds * kind.count, stage: kind.stage, rank: rank)
      let withCollectives = seconds + tensorCollectives(tokens: count, isMixture: kind.isMixture)
      if withCollectives > slowest.seconds {
        slowest = (rank, withCollectives)
        parts = (mixing, gate, rest)
      }
    }
    guard slowest.seconds >= 0 else { return }
    times.attention = parts.attention * kind.count
    times.gate = parts.gate * kind.count
    if kind.isMixture {
      times.shared = parts.rest * kind.count
    } else {
      times.dense = parts.rest * kind.count
    }
    times.overhead = timing.software.perLayer * kind.count
    times.collectives =
      tensorCollectives(tokens: tokens[slowest.rank], isMixture: kind.isMixture) * kind.count
    if kind.isMixture { finishExperts(kind, &times) }
    stages[kind.stage].add(times)
  }

  /// The routed experts of a class, on the tokens of all ranks.
  private mutating func finishExperts(_ kind: LayerClass, _ times: inout StageTimes) {
    for group in groupSeconds.indices { groupSeconds[group] = 0 }
    let decode = decodeTokens.reduce(0, +)
    let total = tokens.reduce(0, +)
    let experts = tables[kind.table].times(
      decode: decode, prompt: total - decode, layers: kind.count, own: &groupSeconds)
    times.experts = experts.slowest * kind.count
    imbalance = experts.imbalance
    activatedExperts += experts.distinct * kind.count
    deviceBytes += experts.bytes * kind.count * Double(plan.expertTensor)
    let base = kind.stage * plan.stageDevices
    for device in 0..<plan.stageDevices {
      busy[base + device] += groupSeconds[plan.expertGroup(ofDevice: device)]
    }
    guard plan.data > 1 else { return }
    var most = 0
    for count in tokens where count > most { most = count }
    let seconds: Double
    switch dispatch {
    case .allGather:
      let rows = Double(most * plan.data)
      seconds =
        collectives.stage.seconds(.allGather, bytes: rows * dispatchBytes)
        + collectives.stage.seconds(.reduceScatter, bytes: rows * tokenBytes)
    case .allToAll:
      let copies = experts.spread * Double(most) / Double(plan.tensor)
      seconds =
        collectives.stage.allToAllSeconds(
          sentPerDevice: copies * dispatchBytes, imbalance: experts.imbalance)
        + collectives.stage.allToAllSeconds(
          sentPerDevice: copies * tokenBytes, imbalance: experts.imbalance)
    }
    times.collectives += seconds * kind.count
  }

  /// The all-reduces of one layer among a rank's GPUs: after the mixer, and after a feed-forward part
  /// that the rank computes alone [s].
  private func tensorCollectives(tokens: Int, isMixture: Bool) -> Double {
    guard plan.tensor > 1 else { return 0 }
    let one = collectives.tensor.seconds(.allReduce, bytes: Double(tokens) * tokenBytes)
    return isMixture && plan.data > 1 ? one : 2 * one
  }

  /// Embedding, head, what passes between stages, and what the software takes.
  private mutating func finishEnds() {
    let last = plan.pipeline - 1
    var first = 0.0
    var end = 0.0
    var gathered = 0.0
    for rank in 0..<plan.data where tokens[rank] > 0 {
      let embedding = model.embeddingWork(tokens: tokens[rank])
      let head = model.headWork(tokens: sampled[rank])
      deviceBytes += (embedding.bytes + head.bytes) * Double(plan.tensor)
      let seconds = (timing.seconds(embedding), timing.seconds(head))
      first = max(first, seconds.0)
      end = max(end, seconds.1)
      addBusy(seconds.0, stage: 0, rank: rank)
      addBusy(seconds.1, stage: last, rank: rank)
      guard plan.tensor > 1 else { continue }
      gathered = max(
        gathered,
        collectives.tensor.seconds(.allReduce, bytes: Double(tokens[rank]) * tokenBytes)
          + (sampled[rank] > 0
            ? collectives.tensor.seconds(.allGather, bytes: Double(sampled[rank]) * logitBytes)
            : 0))
    }
    stages[0].ends += first
    stages[last].ends += end
    stages[last].collectives += gathered
    waitForLaunches()
    stages[0].overhead += timing.software.perStep
    guard plan.pipeline > 1 else { return }
    var most = 0
    for count in tokens where count > most { most = count }
    for stage in 0..<last {
      stages[stage].collectives += collectives.betweenStages(
        bytes: Double(most) * tokenBytes / Double(plan.tensor))
    }
  }

  /// Steps with prompts that no captured graph covers are launched kernel by kernel: a stage takes at least
  /// as long as the host does to launch its layers.
  private mutating func waitForLaunches() {
    let software = timing.software
    launchSeconds = 0
    guard software.eagerPerLayer > 0 else { return }
    let isEager = tokens.indices.contains { rank in
      prompts[rank] && Double(tokens[rank]) > software.graphTokens
    }
    guard isEager else { return }
    launchSeconds = software.eagerPerLayer * stageLayers[0]
    for stage in stages.indices {
      let launches = software.eagerPerLayer * stageLayers[stage]
      stages[stage].overhead += max(0, launches - stages[stage].total)
    }
  }

  @inline(__always)
  private mutating func addBusy(_ seconds: Double, stage: Int, rank: Int) {
    let base = stage * plan.stageDevices + rank * plan.tensor
    for device in base..<base + plan.tensor { busy[device] += seconds }
  }
}
