// SPDX-License-Identifier: GPL-3.0-or-later

/// A part of a step's batch that goes through a layer together.
public struct MicroBatch: Sendable, BitwiseCopyable {
  /// Sequences in it.
  public var sequences: Int
  /// Tokens that it computes.
  public var tokens: Int
  /// Tokens of it that are sampled.
  public var sampled: Int

  /// A micro-batch.
  public init(sequences: Int, tokens: Int, sampled: Int) {
    self.sequences = sequences
    self.tokens = tokens
    self.sampled = sampled
  }
}

/// The step for which a schedule writes the graph.
public struct StepContext: Sendable {
  /// What a step computes.
  public enum Phase: Sendable {
    /// Prompts alone.
    case prefill
    /// One token of each sequence.
    case decode
    /// Both.
    case mixed
  }

  /// What it computes.
  public var phase: Phase
  /// Layers of the model.
  public var layers: Int
  /// The micro-batches, in order.
  public var microBatches: [MicroBatch]
  /// The share of each layer's expert weights that stays in device memory.
  public var residentShare: Double
  /// Whether host memory is pinned, so that copy engines read it directly.
  public var isPinned: Bool
  /// The devices that compute it together, of which the graph is that of one.
  public var group: DeviceGroup

  /// A step.
  public init(
    phase: Phase, layers: Int, microBatches: [MicroBatch], residentShare: Double = 1,
    isPinned: Bool = true, group: DeviceGroup = .single
  ) {
    self.phase = phase
    self.layers = layers
    self.microBatches = microBatches
    self.residentShare = residentShare
    self.isPinned = isPinned
    self.group = group
  }

  /// Tokens of the step.
  public var tokens: Int { microBatches.reduce(0) { $0 + $1.tokens } }
}
