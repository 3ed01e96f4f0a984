// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors

/// A schedule that decides the operation graph of a whole step beforehand, over layers and
/// micro-batches, rather than reacting to each layer's gate.
public protocol GraphSchedulePolicy: SchedulePolicy {
  /// Whether batches are closed before they begin, so that the admission must be one that closes
  /// them; false by default.
  var closesBatches: Bool { get }

  /// Whether the schedule can spread a layer's experts over several devices; false by default.
  var spreadsExperts: Bool { get }

  /// How a schedule that spreads experts divides attention; data parallel by default.
  func attentionSplit(of model: ModelDescriptor) -> DeviceGroup.Attention

  /// Prepares the schedule for a run, once: chooses micro-batches and what lies where.
  ///
  /// - Returns: the plan by which memory is divided and batches are closed; `nil` when every weight
  ///   lies in device memory and batches form as they do without a graph.
  /// - Throws: `GraphPlanError` when nothing fits.
  mutating func configure(_ context: GraphPlanContext) throws(GraphPlanError) -> GraphPlan?

  /// Writes the graph of a step. The step ends when its last operation has.
  ///
  /// - Parameters:
  ///   - context: The step.
  ///   - costs: What its parts cost.
  ///   - graph: Where to add the operations; empty beforehand.
  func write(
    _ context: StepContext, costs: borrowing some GraphCosts, into graph: inout StepGraph)
}

extension GraphSchedulePolicy {
  /// Never asked of a graph schedule: there is no reaction to a gate.
  public func emission(resident: Int, missing: Int) -> ExpertEmission { .groupedWhenAllReady }
  /// Batches form as they do without a graph.
  public var closesBatches: Bool { false }
  /// One device.
  public var spreadsExperts: Bool { false }
  /// Data parallel.
  public func attentionSplit(of model: ModelDescriptor) -> DeviceGroup.Attention { .data }
  /// Everything resident, batches as usual.
  public mutating func configure(_ context: GraphPlanContext) throws(GraphPlanError) -> GraphPlan? {
    nil
  }
}

/// Where a graph schedule keeps weights, keys and values, and how large its batches are.
public struct GraphPlan: Sendable, Equatable {
  /// Sequences of a micro-batch at most.
  public var microBatchSize: Int
  /// Micro-batches of a batch at most.
  public var microBatches: Int
  /// The share of each layer's expert weights that stays in device memory; the rest streams.
  public var residentShare: Double
  /// Layers for whose streamed share device memory has room at once.
  public var weightBuffers: Int
  /// The share of keys and values that stays in device memory; the rest lies in host memory.
  public var deviceKeyValueShare: Double
  /// Micro-batches whose keys and values of one layer have room in device memory at once, where they
  /// are loaded for attention on the GPU; 0 where attention is computed by the processor.
  public var keyValueBuffers: Int
  /// Whether a page of weights passes through pinned memory, and in how many layers' shares of it.
  public var pinnedBuffers: Int

  /// A plan.
  public init(
    microBatchSize: Int, microBatches: Int, residentShare: Double, weightBuffers: Int = 2,
    deviceKeyValueShare: Double = 0, keyValueBuffers: Int = 0, pinnedBuffers: Int = 0
  ) {
    self.microBatchSize = microBatchSize
    self.microBatches = microBatches
    self.residentShare = residentShare
    self.weightBuffers = weightBuffers
    self.deviceKeyValueShare = deviceKeyValueShare
    self.keyValueBuffers = keyValueBuffers
    self.pinnedBuffers = pinnedBuffers
  }

  /// Sequences of a batch at most.
  public var sequences: Int { microBatchSize * microBatches }
}

/// What a graph schedule may know before a run: model, machine and workload.
public struct GraphPlanContext: Sendable {
  /// The model.
  public var model: ModelDescriptor
  /// The formats of its tensors.
  public var precision: PrecisionPlan
  /// The machine's rates.
  public var rates: GraphRates
  /// How long kernels take on the GPU.
  public var timing: DeviceTiming
  /// How long kernels take on the processor; `nil` where there is none beside the device.
  public var hostTiming: DeviceTiming?
  /// Device memory that may be used [bytes].
  public var deviceBytes: Int64
  /// Device memory for activations, the context and fragmentation [bytes].
  public var workspaceBytes: Int64
  /// Host memory that may be used [bytes].
  public var hostBytes: Int64
  /// The share of each layer's experts that is to stay in device memory; `nil` for as the schedule
  /// likes.
  public var residentShare: Double?
  /// Whether host memory is pinned, so that copy engines read it directly.
  public var isPinned: Bool
  /// The mean length of prompts [tokens].
  public var meanPrompt: Double
  /// The longest prompt [tokens].
  public var longestPrompt: Int
  /// The mean number of tokens that a request asks for.
  public var meanOutput: Double
  /// The most sequences that may run at once.
  public var maximumSequences: Int
  /// Devices over which experts are spread.
  public var devices = 1

  /// A context.
  public init(
    model: ModelDescriptor, precision: PrecisionPlan, rates: GraphRates, timing: DeviceTiming,
    hostTiming: DeviceTiming?, deviceBytes: Int64, workspaceBytes: Int64, hostBytes: Int64,
    residentShare: Double?, isPinned: Bool, meanPrompt: Double, longestPrompt: Int,
    meanOutput: Double,
    maximumSequences: Int
  ) {
    self.model = model
    self.precision = precision
    self.rates = rates
    self.timing = timing
    self.hostTiming = hostTiming
    self.deviceBytes = deviceBytes
    self.workspaceBytes = workspaceBytes
    self.hostBytes = hostBytes
    self.residentShare = residentShare
    self.isPinned = isPinned
    self.meanPrompt = meanPrompt
    self.longestPrompt = longestPrompt
    self.meanOutput = meanOutput
    self.maximumSequences = maximumSequences
  }
}

/// A schedule finds no plan that fits the machine.
public struct GraphPlanError: Error, CustomStringConvertible, Sendable, Equatable {
  /// What was found and what would be right.
  public var description: String

  /// A problem.
  public init(_ description: String) { self.description = description }
}
