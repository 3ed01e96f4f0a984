// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// The expert pipeline of EPS-MoE (arXiv 2410.12247): expert parallelism in which a layer's experts
/// are split into groups, and the all-to-all of one group runs under the products of the group before.
///
/// Attention is data parallel with latent attention (MLA) and tensor parallel otherwise. Products and
/// collectives hold multiprocessors of the same GPU. Products are launched grouped where an expert has
/// few tokens, one by one where it has many. Expert outputs of one token are added on their device
/// (LocalReduce) before they are sent back, which happens as soon as all experts of the token are done.
public struct ExpertPipeline: GraphSchedulePolicy {
  /// How attention is spread; `nil` for data parallel with latent attention, else tensor parallel.
  public var attention: DeviceGroup.Attention?
  /// Groups of experts; `nil` for the number that the timing suggests.
  public var groups: Int?
  /// How products are launched; `nil` for a choice by the tokens of an expert.
  public var kernel: ExpertKernel?
  /// Tokens of an expert below which products are grouped: 2048 in arXiv 2410.12247.
  public var groupedBelow = 2048.0
  /// Tokens of an expert from which on they are not: 4096 there. Between, the faster is taken.
  public var denseFrom = 4096.0
  /// Whether communication runs beside products.
  public var overlaps = true
  /// Multiprocessors of products beside communication; `nil` for those that it leaves.
  public var productMultiprocessors: Int?
  /// Multiprocessors of a collective: 16 in arXiv 2410.12247.
  public var collectiveMultiprocessors = 16
  /// Bytes of an element that is sent; `nil` for those of activations.
  public var sentElementBytes: Double?
  /// Whether a row is sent for each expert of a token, rather than a token once to a device.
  public var sendsRows = false
  /// Devices among which a token's experts are chosen; `nil` for all.
  public var deviceLimit: Double?
  /// By how much splitting may lengthen communication: ε0 = 0.32 in arXiv 2410.12247.
  public var communicationSlack = 0.32
  /// By how much it may lengthen products: ε1 = 0.03 there.
  public var productSlack = 0.03
  /// Multiprocessors of the GPU, known once configured.
  var multiprocessors = 1

  /// Multiprocessors from which on a collective reaches its port's rate: 10 to 20 do for an
  /// all-to-all over NVLink in arXiv 2410.12247, of which the lower end is taken.
  static let saturatingMultiprocessors = 10.0

  /// The pipeline with the constants of its publication.
  public init() {}

  /// It does.
  public var spreadsExperts: Bool { true }

  /// The published rule, unless one is set.
  public func attentionSplit(of model: ModelDescriptor) -> DeviceGroup.Attention {
    if let attention { return attention }
    return model.layers.contains { $0.attention.mixer is LatentAttention } ? .data : .tensor
  }

  /// Takes note of the GPU's multiprocessors.
  ///
  /// - Throws: `GraphPlanError` where it has fewer than are asked for.
  public mutating func configure(_ context: GraphPlanContext) throws(GraphPlanError) -> GraphPlan? {
    multiprocessors = context.rates.multiprocessors
    let wanted = max(
      productMultiprocessors ?? 1,
      collectiveMultiprocessors + (productMultiprocessors == nil ? 1 : 0))
    guard context.devices == 1 || wanted <= multiprocessors else {
      throw GraphPlanError(
        "the schedule asks for \(wanted) multiprocessors, the GPU has \(multiprocessors); set"
          + " policy.schedule.gemm_sms and communication_sms")
    }
    return nil
  }

  /// Writes a step, layer by layer.
  public func write(
    _ context: StepContext, costs: borrowing some GraphCosts, into graph: inout StepGraph
  ) {
    var writer = ExpertPipelineWriter(
      pipeline: self, context: context, rates: costs.rates, graph: &graph)
    writer.write(costs, &graph)
  }
}

extension ExpertPipeline {
  /// One layer's experts for one micro-batch, as one device of the group computes them.
  struct Work {
    var layer: Int
    var load: ExpertLoad
    var spread: ExpertSpread
    var volumes: CollectiveVolumes
    /// Bytes sent for each byte of a hidden state in device memory.
    var sentShare: Double
    /// Whether a row is dispatched for each of a token's experts.
    var sendsRows: Bool

    /// Rows that one device's experts compute in all.
    var rows: Double { Double(load.tokens * load.choices) / Double(spread.devices) }
    /// Experts of one device that are used.
    var used: Double { load.used / Double(spread.devices) }

    /// What dispatching to `count` experts of each device sends [bytes].
    func dispatched(to count: Int) -> Double {
      let copies =
        sendsRows
        ? Double(load.choices * count) / Double(spread.own) : spread.copies(of: count)
      return volumes.dataExpert(copies: copies) * sentShare
    }
  }

  /// A layer's work on the devices of a group.
  func work(layer: Int, load: ExpertLoad, group: DeviceGroup) -> Work {
    let spread = ExpertSpread(
      experts: load.experts, choices: load.choices, devices: group.devices,
      limit: deviceLimit.map { min($0, Double(min(load.choices, group.devices))) })
    return Work(
      layer: layer, load: load, spread: spread,
      volumes: CollectiveVolumes(
        devices: group.devices, bytes: Double(load.tokens) * load.rowElements * load.elementBytes),
      sentShare: (sentElementBytes ?? load.elementBytes) / load.elementBytes,
      sendsRows: sendsRows)
  }

  /// Multiprocessors of a group's products, of so many groups.
  func productMultiprocessors(groups: Int) -> Int {
    guard groups > 1, overlaps else { return multiprocessors }
    return productMultiprocessors ?? multiprocessors - collectiveMultiprocessors
  }

  /// The share of the port's rate that a collective reaches.
  var collectiveShare: Double {
    min(1, Double(collectiveMultiprocessors) / Self.saturatingMultiprocessors)
  }

  /// The products of `count` of a device's experts, launched as is chosen.
  func products(
    _ work: Work, count: Double, share: Double, _ costs: borrowing some GraphCosts
  ) -> GraphWork {
    let part = count / Double(work.spread.own)
    let rows = work.rows * part
    let used = max(min(1, count), work.used * part)
    func products(_ kernel: ExpertKernel) -> GraphWork {
      costs.expertProducts(
        layer: work.layer, rows: rows, experts: used, kernel: kernel, share: share)
    }
    if let kernel { return products(kernel) }
    // A group of one expert is a dense product.
    let perExpert = rows / used
    if count <= 1 || perExpert >= denseFrom { return products(.dense) }
    let grouped = products(.grouped)
    if perExpert < groupedBelow { return grouped }
    let dense = products(.dense)
    return dense.seconds < grouped.seconds ? dense : grouped
  }

  /// What a collective of so many bytes takes [s]: max(V / rate, V_O).
  func collectiveSeconds(_ bytes: Double, _ rates: GraphRates) -> Double {
    max(bytes / (rates.peer * collectiveShare), rates.collectiveSeconds)
  }

  /// The groups into which a layer's experts are split.
  ///
  /// The published choice maximises C·(N−1)/N − (κN + b) with C the shorter of communication and
  /// products: N = √(C/κ). κ and b are not published. κ is taken from the timing: what halving adds to
  /// the products, and the least time of one more collective. Then N is lowered until the condition
  /// holds under which splitting pays.
  func groups(_ work: Work, _ costs: borrowing some GraphCosts) -> Int {
    let own = work.spread.own
    guard work.spread.devices > 1, own > 1 else { return 1 }
    if let groups { return min(groups, own) }
    let whole = products(work, count: Double(own), share: 1, costs).seconds
    let halves = 2 * products(work, count: Double(own) / 2, share: 1, costs).seconds
    let sending = collectiveSeconds(work.dispatched(to: own), costs.rates)
    let perGroup = max(0, halves - whole) + costs.rates.collectiveSeconds
    let best = (min(whole, sending) / max(perGroup, 1e-12)).squareRoot()
    var count = max(1, min(own, Int(min(best, 1e6).rounded())))
    while count > 1 {
      if pays(work, groups: count, costs) { break }
      count -= 1
    }
    return count
  }

  /// Whether splitting into so many groups pays: N·S(m/N)/S(m) ≤ 1 + ε0 and
  /// N·G(m/N, E/N)/G(m, E) ≤ 1 + ε1, with S the time of the all-to-all and G that of the products.
  func pays(_ work: Work, groups: Int, _ costs: borrowing some GraphCosts) -> Bool {
    let own = Double(work.spread.own)
    let parts = Double(groups)
    let bytes = work.dispatched(to: work.spread.own)
    let sending = collectiveSeconds(bytes, costs.rates)
    let sendingParts = parts * collectiveSeconds(bytes / parts, costs.rates)
    let whole = products(work, count: own, share: 1, costs).seconds
    let split = parts * products(work, count: own / parts, share: 1, costs).seconds
    return sendingParts <= (1 + communicationSlack) * sending
      && split <= (1 + productSlack) * whole
  }
}
