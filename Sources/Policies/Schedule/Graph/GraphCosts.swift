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
  /// What the software takes to launch a kernel [s].
  public var launch: Double

  /// The least that a collective takes: its launch, and a message's way [s].
  public var collectiveSeconds: Double { peerLatency + launch }

  /// Rates of a machine.
  public init(
    link: Double, linkLatency: Double = 0, staging: Double, hostMemory: Double, peer: Double = 0,
    peerLatency: Double = 0, multiprocessors: Int = 1, launch: Double = 0
  ) {
    self.link = link
    self.linkLatency = linkLatency
    self.staging = staging
    self.hostMemory = hostMemory
    self.peer = peer
    self.peerLatency = peerLatency
    self.multiprocessors = multiprocessors
    self.launch = launch
  }
}

/// What a micro-batch asks of a layer's routed experts.
public struct ExpertLoad: Sendable, BitwiseCopyable {
  /// Tokens of the whole group of devices.
  public var tokens: Int
  /// Experts that each token chooses.
  public var choices: Int
  /// Experts of the layer, on all devices.
  public var experts: Int
  /// Experts that are used, on all devices.
  public var used: Double
  /// Elements of a row that goes into an expert, and of one that comes out of it.
  public var rowElements: Double
  /// Bytes of an element in device memory.
  public var elementBytes: Double

  /// A load.
  public init(
    tokens: Int, choices: Int, experts: Int, used: Double, rowElements: Double,
    elementBytes: Double
  ) {
    self.tokens = tokens
    self.choices = choices
    self.experts = experts
    self.used = used
    self.rowElements = rowElements
    self.elementBytes = elementBytes
  }
}

/// How the products of several experts are launched.
public enum ExpertKernel: String, Sendable, BitwiseCopyable {
  /// All in one launch.
  case grouped
  /// One after the other.
  case dense
}

/// What the parts of a step cost, layer by layer and micro-batch by micro-batch.
///
/// Layers and micro-batches count from 0. Device computations include the launches and the share of
/// the runtime's overhead per layer that falls to them. Of a group of devices they are those of one.
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
  /// What a micro-batch asks of a layer's routed experts; `nil` in a layer without.
  func expertLoad(layer: Int, microBatch: Int) -> ExpertLoad?
  /// The gate of a mixture layer.
  func gate(layer: Int, microBatch: Int) -> GraphWork
  /// What a mixture layer computes of every token: shared experts, a dense network beside the
  /// experts, projections of a latent.
  func sharedExperts(layer: Int, microBatch: Int) -> GraphWork
  /// `rows` rows in all through `experts` experts, on a share of the multiprocessors: arithmetic
  /// slows down by it, memory does not.
  func expertProducts(
    layer: Int, rows: Double, experts: Double, kernel: ExpertKernel, share: Double
  ) -> GraphWork
  /// A kernel that does nothing but read and write so many bytes of device memory.
  func elementwise(bytes: Double) -> GraphWork

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
