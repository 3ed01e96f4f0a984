// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors

/// MoE-Lightning's performance model and optimiser (arXiv 2411.11217, section 4), with the equations
/// of the authors' code (caoshiyi/artifacts, branch asplos25, fastmoe/backend/optimizer.py and
/// utils.py), for attention on the processor and experts on the GPU, which is what they found best in
/// all of their settings.
///
/// For N sequences in micro-batches of µ, prompts of s and outputs of n tokens, hidden width h1,
/// expert width h2, n_e experts of which k are chosen, n_q query and n_kv key heads of width d,
/// weights of 2 bytes:
///
///     w_i   = 6·h1·h2·n_e
///     comm  = w_i·(1 − r)/b_link
///     T_gpu = (N/µ)·max(6·µ·h1·h2·k/p_gpu, (2·µ·h1 + 2·µ·h2 + w_i)/b_gpu)
///     T_cpu = (N/µ)·max(µ·(s+n)·n_q·(2·d+2)/p_cpu, (4·µ·n_q·d + 4·µ·(s+n)·n_kv·d)/b_cpu)
///     T     = max(comm, T_gpu, T_cpu)
///
/// T_cpu's FLOP leave the product with the values out, as the code does. The code finds r, the share
/// of the experts on the GPU, by a linear program; T falls in r, so that its largest feasible value
/// is the solution. (The program bounds T_gpu and T_cpu from below only: what it prints for those two
/// may be any value up to T.)
public struct HierarchicalRoofline: Sendable {
  /// A machine as the model sees it.
  public struct Machine: Sendable, Equatable {
    /// Device memory that may be used [bytes].
    public var deviceBytes: Double
    /// Host memory that may be used [bytes].
    public var hostBytes: Double
    /// From host to device [bytes/s].
    public var link: Double
    /// Device memory [bytes/s].
    public var deviceBandwidth: Double
    /// Host memory [bytes/s].
    public var hostBandwidth: Double
    /// The device's arithmetic [FLOP/s].
    public var deviceFlops: Double
    /// The host's arithmetic [FLOP/s].
    public var hostFlops: Double

    /// A machine.
    public init(
      deviceBytes: Double, hostBytes: Double, link: Double, deviceBandwidth: Double,
      hostBandwidth: Double, deviceFlops: Double, hostFlops: Double
    ) {
      self.deviceBytes = deviceBytes
      self.hostBytes = hostBytes
      self.link = link
      self.deviceBandwidth = deviceBandwidth
      self.hostBandwidth = hostBandwidth
      self.deviceFlops = deviceFlops
      self.hostFlops = hostFlops
    }

    private static let gib = Double(1 << 30)

    /// The L4 server of the authors' code: 0.86 of the GPU's and 0.80 of the host's memory may be
    /// used; the host's bandwidth is the flag of their README, its memory what that prints.
    public static let publishedL4 = Machine(
      deviceBytes: 0.86 * 24 * gib, hostBytes: 0.8 * 197_880_360_960, link: 16 * gib,
      deviceBandwidth: 285 * gib, hostBandwidth: 76 * gib, deviceFlops: 104e12,
      hostFlops: 1.6e12)

    /// The T4 server of the authors' code, on the same host.
    public static let publishedT4 = Machine(
      deviceBytes: 0.86 * 15 * gib, hostBytes: 0.8 * 197_880_360_960, link: 16 * gib,
      deviceBandwidth: 300 * gib, hostBandwidth: 76 * gib, deviceFlops: 65e12,
      hostFlops: 0.8e12)
  }

  /// A model as the model sees it.
  public struct Shape: Sendable, Equatable {
    var layers: Double
    var hidden: Double
    var width: Double
    var experts: Double
    var topK: Double
    var heads: Double
    var keyValueHeads: Double
    var headWidth: Double

    /// The shape of a model with grouped attention and experts; `nil` for any other.
    public init?(_ model: ModelDescriptor) {
      guard let layer = model.layers.last(where: { $0.mixture != nil }),
        let mixture = layer.mixture,
        let attention = layer.attention.mixer as? GroupedAttention
      else { return nil }
      layers = Double(model.layers.count)
      hidden = Double(layer.hiddenSize)
      width = Double(mixture.expert.width)
      experts = Double(mixture.experts)
      topK = Double(mixture.topK)
      heads = Double(attention.heads)
      keyValueHeads = Double(attention.keyValueHeads)
      headWidth = Double(attention.headWidth)
    }
  }

  /// What takes the time of a layer [s].
  public struct LayerTime: Sendable, Equatable {
    /// The link.
    public var link: Double
    /// The GPU.
    public var device: Double
    /// The processor.
    public var host: Double
    /// The longest.
    public var longest: Double { max(link, device, host) }
  }

  /// What the optimiser finds.
  public struct Policy: Sendable, Equatable {
    /// Sequences of a micro-batch.
    public var microBatchSize: Int
    /// Micro-batches.
    public var microBatches: Int
    /// The share of the experts on the GPU.
    public var residentShare: Double
    /// The decode throughput that it predicts [tokens/s].
    public var throughput: Double
  }

  /// The machine.
  public var machine: Machine
  /// The model; `nil` where the equations do not describe it.
  public var shape: Shape?
  /// Tokens of a prompt.
  public var prompt: Double
  /// Tokens of an output.
  public var output: Double

  /// A roofline.
  public init(machine: Machine, shape: Shape?, prompt: Double, output: Double) {
    self.machine = machine
    self.shape = shape
    self.prompt = prompt
    self.output = output
  }

  /// The roofline of a run, with the rates that its machine achieves under its runtime, or with other
  /// constants.
  public init(_ context: GraphPlanContext, machine: Machine?) {
    let gpu = context.timing.capability
    let host = context.hostTiming?.capability
    let software = context.timing.software
    let hostShare = context.hostTiming?.software.memoryEfficiency ?? 1
    self.init(
      machine: machine
        ?? Machine(
          deviceBytes: Double(context.deviceBytes), hostBytes: Double(context.hostBytes),
          link: context.isPinned
            ? context.rates.link : min(context.rates.link, context.rates.staging),
          deviceBandwidth: gpu.bandwidth.achievable * software.memoryEfficiency,
          hostBandwidth: (host?.bandwidth.achievable ?? context.rates.hostMemory) * hostShare,
          deviceFlops: gpu.peak(for: .fp16).rate.achievable * software.computeEfficiency,
          hostFlops: host?.peak(for: .fp32).rate.achievable ?? 1),
      shape: Shape(context.model), prompt: context.meanPrompt, output: context.meanOutput)
  }

  /// The experts of a layer [bytes].
  private func expertBytes(_ shape: Shape) -> Double {
    6 * shape.hidden * shape.width * shape.experts
  }

  /// What takes the time of a layer, for `microBatches` of `size` sequences.
  public func layerTime(size: Int, microBatches: Int, residentShare: Double) -> LayerTime? {
    guard let shape else { return nil }
    let micro = Double(size)
    let count = Double(microBatches)
    let weights = expertBytes(shape)
    let context = prompt + output
    let device = max(
      6 * micro * shape.hidden * shape.width * shape.topK / machine.deviceFlops,
      (2 * micro * (shape.hidden + shape.width) + weights) / machine.deviceBandwidth)
    let flop = micro * context * shape.heads * (2 * shape.headWidth + 2)
    let bytes =
      4 * micro * shape.heads * shape.headWidth
      + 4 * micro * context * shape.keyValueHeads * shape.headWidth
    return LayerTime(
      link: weights * (1 - residentShare) / machine.link, device: count * device,
      host: count * max(flop / machine.hostFlops, bytes / machine.hostBandwidth))
  }

  /// The largest share of the experts that may stay on the GPU; `nil` when nothing fits.
  public func residentShare(size: Int, microBatches: Int) -> Double? {
    guard let shape else { return nil }
    let micro = Double(size)
    let sequences = micro * Double(microBatches)
    let weights = expertBytes(shape)
    let cacheWidth = shape.keyValueHeads * shape.headWidth
    let attention =
      (4 * shape.hidden * shape.hidden
        + 4 * shape.hidden * cacheWidth) * shape.layers
    // The larger of what decoding and prefill keep beside the experts.
    let decode = attention + 4 * shape.hidden * sequences
    let prefill =
      attention + 4 * shape.hidden * micro * prompt + 2 * shape.hidden * sequences * prompt
      + 8 * prompt * cacheWidth * micro
    let intermediate =
      2.4 * micro * shape.topK * prompt * (shape.hidden + 3 * shape.width)
    let room = machine.deviceBytes - max(decode, prefill) - intermediate - 2 * weights
    let most = room / (weights * (shape.layers - 2))
    // Host memory: the other experts, two layers of them pinned, the cache, hidden states.
    let fixed =
      4 * (prompt + output) * cacheWidth * sequences * shape.layers
      + 2 * shape.hidden * sequences * prompt
    let least = 1 - (machine.hostBytes - fixed) / (weights * (shape.layers + 2))
    let share = min(1, most)
    guard share >= 0, share >= least else { return nil }
    return share
  }

  private func policy(size: Int, microBatches: Int) -> Policy? {
    guard let shape, let share = residentShare(size: size, microBatches: microBatches),
      let time = layerTime(size: size, microBatches: microBatches, residentShare: share)
    else { return nil }
    let steps = max(1, output - 1)
    return Policy(
      microBatchSize: size, microBatches: microBatches, residentShare: share,
      throughput: Double(size * microBatches) * output
        / (time.longest * steps * shape.layers))
  }

  /// The policy of the highest predicted throughput, searched as the authors' code does: micro-batches
  /// of 1, 2, 3, 4, 36, 68, …, each with more and more of them until the throughput falls.
  ///
  /// - Parameters:
  ///   - microBatchSize: The only size to try, where it is given.
  ///   - microBatches: The only number to try, where it is given.
  ///   - mostSequences: Sequences that may run at once.
  /// - Complexity: O(sizes × numbers), some thousand evaluations.
  public func search(
    microBatchSize: Int? = nil, microBatches: Int? = nil, mostSequences: Int = .max
  ) -> Policy? {
    var best: Policy?
    var size = microBatchSize ?? 1
    while size <= mostSequences {
      if let microBatches {
        guard let found = policy(size: size, microBatches: microBatches) else { break }
        if found.throughput >= best?.throughput ?? 0 { best = found }
      } else {
        var count = 1
        var previous = 0.0
        while count * size <= mostSequences, let found = policy(size: size, microBatches: count),
          found.throughput >= previous
        {
          previous = found.throughput
          if found.throughput >= best?.throughput ?? 0 { best = found }
          count += 1
        }
        if count == 1 { break }
      }
      if microBatchSize != nil { break }
      size += size < 4 ? 1 : 32
    }
    return best
  }

  /// Why nothing was found.
  var misfit: String {
    guard shape != nil else {
      return "the optimiser knows models with grouped attention and experts alone; set"
        + " policy.schedule.micro_batch and policy.schedule.micro_batches"
    }
    let gib = { (bytes: Double) in "\((bytes / Double(1 << 30) * 10).rounded() / 10) GiB" }
    return "no micro-batches fit: of \(gib(machine.deviceBytes)) in device memory and"
      + " \(gib(machine.hostBytes)) in host memory not even one sequence of"
      + " \(Int(prompt + output)) tokens finds room beside the weights; a larger machine or"
      + " precision.experts of fewer bits is needed"
  }
}
