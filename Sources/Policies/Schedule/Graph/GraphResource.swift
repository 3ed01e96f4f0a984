// SPDX-License-Identifier: GPL-3.0-or-later

/// What an operation of a step graph may hold while it runs.
public enum GraphServer: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// The GPU's stream of kernels, one unit.
  case stream
  /// The GPU's streaming multiprocessors, as many units as it has; for kernels side by side.
  case multiprocessors
  /// The GPU's stream of collectives, beside that of kernels.
  case collective
  /// The copy engine from host to device.
  case hostToDevice
  /// The copy engine from device to host.
  case deviceToHost
  /// The processor's copy from pageable to pinned memory.
  case staging
  /// The processor's computing, all its cores together.
  case hostCompute
}

/// What an operation of a step graph may consume at a rate [bytes/s].
public enum GraphBandwidth: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// The link from host to device.
  case linkDown
  /// The link from device to host.
  case linkUp
  /// Host memory.
  case hostMemory
  /// What the GPU sends to its peers.
  case peerEgress
  /// What the GPU receives from its peers.
  case peerIngress
}

/// What an operation of a step graph does.
public enum GraphLabel: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// The host's part of the step.
  case overhead
  /// The look-up of input embeddings.
  case embedding
  /// Norm and projections before attention.
  case attentionInput
  /// Attention between its projections, on the GPU.
  case attention
  /// The projection after attention.
  case attentionOutput
  /// A dense feed-forward network.
  case dense
  /// A layer's gate.
  case gate
  /// Shared experts.
  case sharedExperts
  /// Routed experts, and what weighs and adds their outputs.
  case experts
  /// Head and sampling.
  case head
  /// Attention between its projections, on the processor.
  case hostAttention
  /// Experts on the processor.
  case hostExperts
  /// A copy of weights from pageable to pinned memory.
  case weightStaging
  /// A copy of weights from host to device.
  case weightLoad
  /// A copy of keys and values from pageable to pinned memory, or back.
  case keyValueStaging
  /// A copy of keys and values from host to device.
  case keyValueLoad
  /// A copy of keys and values from device to host.
  case keyValueStore
  /// A copy of activations from host to device.
  case activationLoad
  /// A copy of activations from device to host.
  case activationStore
  /// A collective that sends tokens to their experts.
  case dispatch
  /// A collective that brings experts' outputs back.
  case combine

  /// Whether it is computed by the GPU.
  public var isDeviceCompute: Bool { rawValue <= GraphLabel.head.rawValue && self != .overhead }
}
