// SPDX-License-Identifier: GPL-3.0-or-later

/// What one computation takes alone.
public struct GraphWork: Sendable, BitwiseCopyable, Equatable {
  /// Its time when nothing else runs [s].
  public var seconds: Double
  /// The bytes that it reads and writes in the memory of its device.
  public var bytes: Double

  /// Work of so many seconds and bytes.
  public init(seconds: Double, bytes: Double = 0) {
    self.seconds = seconds
    self.bytes = bytes
  }

  /// One after the other.
  public static func + (left: GraphWork, right: GraphWork) -> GraphWork {
    GraphWork(seconds: left.seconds + right.seconds, bytes: left.bytes + right.bytes)
  }
}

/// The rates of a machine, as far as a schedule needs them for its operations.
public struct GraphRates: Sendable, BitwiseCopyable {
  /// A pinned copy over the link, each way [bytes/s].
  public var link: Double
  /// The time before a copy's first byte, software included [s].
  public var linkLatency: Double
  /// The copy from pageable to pinned memory [bytes/s].
  public var staging: Double
  /// Host memory [bytes/s].
  public var hostMemory: Double
  /// What the GPU exchanges with its peers, each way [bytes/s]; 0 without peers.
  public var peer: Double
  /// The time before a message to a peer arrives [s].
  public var peerLatency: Double
  /// Streaming multiprocessors of the GPU; at least 1.
  public var multiprocessors: Int

  /// Rates of a machine.
  public init(
    link: Double, linkLatency: Double = 0, staging: Double, hostMemory: Double, peer: Double = 0,
    peerLatency: Double = 0, multiprocessors: Int = 1
  ) {
    self.link = link
    self.linkLatency = linkLatency
    self.staging = staging
    self.hostMemory = hostMemory
    self.peer = peer
    self.peerLatency = peerLatency
    self.multiprocessors = multiprocessors
  }
}

/// What the parts of a step cost, layer by layer and micro-batch by micro-batch.
///
/// Layers and micro-batches count from 0. Device computations include the launches and the share of
/// the runtime's overhead per layer that falls to them.
public protocol GraphCosts {
  /// Layers of the model.
  var layerCount: Int { get }
  /// The machine's rates.
  var rates: GraphRates { get }
  /// The host's part of the step [s].
  var overheadSeconds: Double { get }

  /// The input embeddings of a micro-batch.
  func embedding(microBatch: Int) -> GraphWork
  /// Norm and the projections before attention (queries, keys, values).
  func attentionInput(layer: Int, microBatch: Int) -> GraphWork
  /// Attention between its projections, on the GPU.
  func attention(layer: Int, microBatch: Int) -> GraphWork
  /// Attention between its projections, on the processor; bytes are those of host memory.
  func hostAttention(layer: Int, microBatch: Int) -> GraphWork
  /// The projection after attention.
  func attentionOutput(layer: Int, microBatch: Int) -> GraphWork
  /// All of a layer behind attention: gate, shared and routed experts, their sum; or the dense
  /// network.
  func feedForward(layer: Int, microBatch: Int) -> GraphWork
  /// Head and sampling of a micro-batch; nothing where no token is sampled.
  func head(microBatch: Int) -> GraphWork
  /// Routed experts alone: `assignments` pairs of token and expert over `distinct` experts in one
  /// grouped kernel.
  func experts(layer: Int, assignments: Double, distinct: Double) -> GraphWork

  /// Queries, keys and values of the tokens computed [bytes].
  func queryBytes(layer: Int, microBatch: Int) -> Double
  /// What attention leaves to its output projection [bytes].
  func attentionOutputBytes(layer: Int, microBatch: Int) -> Double
  /// The hidden states of the tokens computed [bytes].
  func hiddenBytes(microBatch: Int) -> Double
  /// Cached keys and values that attention reads in a layer [bytes].
  func cachedKeyValueBytes(layer: Int, microBatch: Int) -> Double
  /// Keys and values that are added in a layer [bytes].
  func newKeyValueBytes(layer: Int, microBatch: Int) -> Double
  /// The routed experts of a layer, all of them [bytes].
  func expertWeightBytes(layer: Int) -> Double
  /// All other weights of a layer [bytes].
  func otherWeightBytes(layer: Int) -> Double
}
