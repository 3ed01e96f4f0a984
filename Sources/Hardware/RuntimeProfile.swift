// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

/// What the software costs: a research script on a GPU is not its roofline.
public struct RuntimeProfile: Sendable {
  /// The name of the profile.
  public var name: String
  /// What it stands for.
  public var summary: String
  /// Time that each kernel takes besides its work [s].
  public var perKernelOverhead: Figure
  /// Time that each layer takes besides its kernels [s]: framework code, synchronisation.
  public var perLayerOverhead: Figure
  /// Time that each expert takes besides its kernels [s]: a loop over experts in the host's language.
  /// It passes while other experts are being loaded. `nil` where experts are computed in one kernel.
  public var perExpertOverhead: Figure?
  /// Time that each forward pass takes besides its layers [s]: scheduling, sampling, detokenising.
  public var perStepOverhead: Figure
  /// Time that each request takes before it can be scheduled, and its answer before it is out [s]: HTTP,
  /// tokenising. Other requests do not wait for it.
  public var perRequestOverhead: Figure?
  /// Time that each token of a prompt takes before the request can be scheduled [s]: tokenising, and passing
  /// on between the server's processes. Other requests do not wait for it.
  public var perPromptTokenOverhead: Figure?
  /// Steps that its scheduler plans ahead of the one under way, so that it need not wait for results:
  /// a request that arrives meanwhile joins so many steps later.
  public var stepsAhead: Figure?
  /// Time that the host takes to launch a layer's kernels one by one [s], in steps with prompts that are not
  /// replayed from a captured graph; where it is longer than the kernels, they wait for it.
  public var eagerLayerOverhead: Figure?
  /// Tokens of a step with prompts up to which it is replayed from a captured graph.
  public var graphTokens: Figure?
  /// Time that each copy takes on the CPU before it is queued [s].
  public var perCopyOverhead: Figure
  /// The share of the achievable arithmetic rate that its kernels reach.
  public var computeEfficiency: Figure
  /// The share of the achievable memory bandwidth that its kernels reach.
  public var memoryEfficiency: Figure
  /// The share of host memory's achievable bandwidth that its kernels on the processor reach; that of
  /// `memoryEfficiency` where nothing is said.
  public var hostMemoryEfficiency: Figure?
  /// The share of the memory rate that kernels on packed weights reach, which unpack them first.
  public var dequantizationEfficiency: Figure
  /// The share of device memory that the runtime uses at all, where it has a default of its own; stands
  /// for `cache.memory_fraction` in scenarios that say nothing of it.
  public var memoryFraction: Figure?
  /// Tokens in a block of its KV cache, where it has a default of its own; stands for
  /// `serving.kv_block` in scenarios that say nothing of it.
  public var keyValueBlock: Figure?
  /// Whether weights lie in pinned memory; if not, each copy is staged.
  public var usesPinnedMemory: Bool

  init(_ reader: MappingReader) {
    name = reader.requiredString("name")
    summary = reader.requiredString("summary")
    perKernelOverhead = reader.requiredFigure("per_kernel", .seconds, in: Plausible.latency)
    perLayerOverhead = reader.requiredFigure("per_layer", .seconds, in: Plausible.latency)
    perExpertOverhead = reader.figure("per_expert", .seconds, in: Plausible.latency)
    perStepOverhead = reader.requiredFigure("per_step", .seconds, in: Plausible.latency)
    perRequestOverhead = reader.figure("per_request", .seconds, in: Plausible.latency)
    perPromptTokenOverhead = reader.figure("per_prompt_token", .seconds, in: Plausible.latency)
    stepsAhead = reader.figure("steps_ahead", .count, in: 0...16)
    eagerLayerOverhead = reader.figure("eager_per_layer", .seconds, in: Plausible.latency)
    graphTokens = reader.figure("graph_tokens", .count, in: 0...1e7)
    perCopyOverhead = reader.requiredFigure("per_copy", .seconds, in: Plausible.latency)
    computeEfficiency = reader.requiredFigure("compute_efficiency", .fraction, in: Plausible.share)
    memoryEfficiency = reader.requiredFigure("memory_efficiency", .fraction, in: Plausible.share)
    hostMemoryEfficiency = reader.figure(
      "host_memory_efficiency", .fraction, in: Plausible.share)
    dequantizationEfficiency = reader.requiredFigure(
      "dequantization_efficiency", .fraction, in: Plausible.share)
    memoryFraction = reader.figure("memory_fraction", .fraction, in: 0.01...1)
    keyValueBlock = reader.figure("kv_block", .count, in: 1...65_536)
    usesPinnedMemory = reader.bool("pinned_memory") ?? true
    reader.finish()
  }

  /// Every figure with its source.
  public func describe() -> [ProfileEntry] {
    var figures: [(String, Figure)] = [
      ("per_kernel", perKernelOverhead), ("per_layer", perLayerOverhead),
      ("per_step", perStepOverhead), ("per_copy", perCopyOverhead),
      ("compute_efficiency", computeEfficiency), ("memory_efficiency", memoryEfficiency),
      ("dequantization_efficiency", dequantizationEfficiency),
    ]
    if let perExpertOverhead { figures.append(("per_expert", perExpertOverhead)) }
    if let perRequestOverhead { figures.append(("per_request", perRequestOverhead)) }
    if let stepsAhead { figures.append(("steps_ahead", stepsAhead)) }
    if let perPromptTokenOverhead {
      figures.append(("per_prompt_token", perPromptTokenOverhead))
    }
    if let eagerLayerOverhead { figures.append(("eager_per_layer", eagerLayerOverhead)) }
    if let graphTokens { figures.append(("graph_tokens", graphTokens)) }
    if let hostMemoryEfficiency {
      figures.append(("host_memory_efficiency", hostMemoryEfficiency))
    }
    if let memoryFraction { figures.append(("memory_fraction", memoryFraction)) }
    if let keyValueBlock { figures.append(("kv_block", keyValueBlock)) }
    return figures.map { ProfileEntry(path: $0.0, part: name, figure: $0.1) }
  }
}
