// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Units

/// A timing as a law sees it: the work, and how long it took.
public struct TimedWork: Sendable {
  /// The law that the work falls under.
  public struct Key: Hashable, Sendable, Comparable {
    /// The family of kernels.
    public var family: KernelFamily
    /// The class of arithmetic that the format asks for.
    public var computeClass: ComputeClass
    /// How the weights lie.
    public var storage: KernelSet.Storage

    /// A key.
    public init(_ family: KernelFamily, _ computeClass: ComputeClass, _ storage: KernelSet.Storage)
    {
      self.family = family
      self.computeClass = computeClass
      self.storage = storage
    }

    /// The name in reports: "grouped_gemm fp8", "gemm fp16 packed".
    public var name: String {
      "\(family.name) \(computeClass.name)" + (storage == .plain ? "" : " \(storage.name)")
    }

    /// In the order of families, classes, storages.
    public static func < (one: Key, other: Key) -> Bool {
      (one.family.rawValue, one.computeClass.rawValue, one.storage.rawValue)
        < (other.family.rawValue, other.computeClass.rawValue, other.storage.rawValue)
    }
  }

  /// Its law.
  public var key: Key
  /// What of several kernels for the same law it was: precision and implementation.
  public var variant: String
  /// The work.
  public var work: KernelWork
  /// Seconds, the median.
  public var seconds: Double
  /// The shape apart from the number of tokens, by which points are held out together.
  public var group: String
  /// The size along which biases are shown: tokens, or cached rows.
  public var size: Double
}

extension KernelMeasurement {
  /// The timing as a law sees it; `nil` where it is none of a law's: copies, reads, collectives.
  public func timedWork() -> TimedWork? {
    guard let format = try? NumberFormat(parsing: precision ?? "bf16") else { return nil }
    switch kernel {
    case .gemm, .gemv: return product(format)
    case .fusedExperts: return experts(format)
    case .groupedGEMM: return groupedProduct(format)
    case .attentionPrefill, .attentionDecode: return attention()
    case .gate, .elementwise: return small(format)
    case .latentAttentionPrefill, .latentAttentionDecode, .linearAttention, .embedding, .copy,
      .stream, .read, .launch, .allReduce, .allGather, .reduceScatter, .allToAll, .sendReceive,
      .modelPrefill, .modelDecode:
      return nil
    }
  }

  private var activations: NumberFormat {
    activationPrecision.flatMap { try? NumberFormat(parsing: $0) }
      ?? (precision == "fp32" ? .fp32 : .bf16)
  }

  private func timed(
    _ work: KernelWork, group: String, size: Double
  ) -> TimedWork {
    let storage: KernelSet.Storage =
      work.isSparse ? .sparse : work.isWeightOnly ? .packed : .plain
    return TimedWork(
      key: TimedWork.Key(work.family, work.computeClass, storage),
      variant: [precision ?? "bf16", kvPrecision, implementation, threads.map { "\($0) threads" }]
        .compactMap { $0 }.joined(separator: " "),
      work: work, seconds: median, group: group, size: size)
  }

  private func product(_ format: NumberFormat) -> TimedWork? {
    let rows = kernel == .gemv ? 1 : m
    guard let rows, let n, let k else { return nil }
    let cost = ProjectionCost(
      shapes: [MatrixShape(k, n)], format: format, activations: activations, kernels: 1)
    return timed(cost.work(rows: Double(rows)), group: "n\(n) k\(k)", size: Double(rows))
  }

  private func expertCost(_ format: NumberFormat) -> ProjectionCost? {
    guard let hidden, let width else { return nil }
    let network = DenseFeedForward(width: width, matrices: matrices ?? 3)
    return network.cost(input: hidden, format: format, activations: activations)
  }

  /// Loads as they were, or drawn by the rule of their distribution.
  private var loads: (assignments: Double, activated: Double)? {
    guard let tokens, let topK, let experts else { return nil }
    let total = totalExperts ?? experts
    if let activated {
      let assignments =
        routed.map(Double.init) ?? Double(tokens * topK) * Double(experts) / Double(total)
      return (assignments, Double(max(1, activated)))
    }
    guard let skew = ExpertLoads.Skew(distribution ?? "balanced") else { return nil }
    let loads = ExpertLoads(
      tokens: tokens, choices: topK, experts: total, devices: max(1, total / experts), skew: skew)
    return (loads.assignments, loads.activated)
  }

  private func experts(_ format: NumberFormat) -> TimedWork? {
    guard let cost = expertCost(format), let loads, let tokens, let experts, let topK else {
      return nil
    }
    let shape =
      "hidden \(hidden ?? 0) width \(width ?? 0) of \(experts) top \(topK) in \(totalExperts ?? experts)"
    // One expert on its own is a plain product; one of many that stayed on this device is not, since
    // the kernel is the same.
    let work =
      experts == 1 && totalExperts ?? 1 == 1
      ? cost.work(rows: loads.assignments)
      : cost.groupedWork(rows: loads.assignments, groups: loads.activated)
    return timed(work, group: shape, size: Double(tokens))
  }

  private func groupedProduct(_ format: NumberFormat) -> TimedWork? {
    guard let n, let k, let loads, let tokens, let experts else { return nil }
    let cost = ProjectionCost(
      shapes: [MatrixShape(k, n)], format: format, activations: activations, kernels: 1)
    return timed(
      cost.groupedWork(rows: loads.assignments, groups: loads.activated),
      group: "n\(n) k\(k) of \(experts)", size: Double(tokens))
  }

  private func attention() -> TimedWork? {
    guard let batch, let heads, let kvHeads, let headSize else { return nil }
    // A prompt of one token is a decoding step over nothing.
    let query = query ?? 1
    let isDecode = kernel == .attentionDecode || query == 1
    let past = past ?? 0
    let mixer = GroupedAttention(
      heads: heads, keyValueHeads: kvHeads, headWidth: headSize)
    let cache = kvPrecision.flatMap { try? NumberFormat(parsing: $0) } ?? .bf16
    var plan = PrecisionPlan(uniform: activations)
    plan.keyValue = cache
    let core = mixer.core(under: plan)
    var load = AttentionLoad()
    for _ in 0..<batch {
      if isDecode {
        load.addDecode(visible: past + 1, span: .full)
      } else {
        load.addPrefill(position: past, count: query, span: .full)
      }
    }
    let group = "heads \(heads) of \(kvHeads) width \(headSize)"
    return timed(
      isDecode ? core.decodeWork(load) : core.prefillWork(load), group: group,
      size: Double(isDecode ? past + 1 : query))
  }

  private func small(_ format: NumberFormat) -> TimedWork? {
    guard let tokens, let hidden else { return nil }
    if kernel == .gate {
      guard let experts else { return nil }
      var work = ProjectionCost(
        shapes: [MatrixShape(hidden, experts)], format: format, activations: activations, kernels: 2
      ).work(rows: Double(tokens))
      work.family = .gate
      return timed(work, group: "hidden \(hidden) experts \(experts)", size: Double(tokens))
    }
    let bytes = Double(2 * tokens * hidden) * activations.bytesPerElement
    return timed(
      KernelWork(family: .elementwise, flop: 0, bytes: bytes, rows: Double(tokens)),
      group: "hidden \(hidden)", size: Double(tokens))
  }
}
