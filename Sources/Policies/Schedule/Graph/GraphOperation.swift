// SPDX-License-Identifier: GPL-3.0-or-later

/// One operation of a step graph: what it does, how much, what it holds and what it consumes.
///
/// The meaning is that of the kernel's operations: it starts when it holds all its servers, waits
/// `latency`, and progresses at the rate of its slowest consumption, never faster than
/// `maximumRate`.
public struct GraphOperation: Sendable, BitwiseCopyable {
  /// The most servers that an operation can hold.
  public static let maximumHolds = 3
  /// The most bandwidths that an operation can consume.
  public static let maximumUses = 4

  /// Units of a server.
  public struct Hold: Sendable, BitwiseCopyable {
    /// The server.
    public var server = GraphServer.stream
    /// How many of its units.
    public var units: Int32 = 1
  }

  /// Consumption of a bandwidth.
  public struct Use: Sendable, BitwiseCopyable {
    /// The bandwidth.
    public var bandwidth = GraphBandwidth.linkDown
    /// Bytes of it for each unit of work.
    public var weight = 1.0
  }

  /// What it does.
  public var label: GraphLabel
  /// The model layer, or -1.
  public var layer: Int32
  /// The micro-batch, or -1.
  public var microBatch: Int32
  /// The amount of work: bytes, or seconds where it consumes nothing.
  public var work: Double
  /// The work per second that is never exceeded.
  public var maximumRate: Double
  /// The time before it progresses [s].
  public var latency: Double
  /// The bytes that reports count: of what is copied, or of what a kernel reads and writes in device
  /// memory.
  public var bytes: Double
  /// Its urgency in the queues of servers: 0 is the most urgent.
  public var priority: UInt8 = 0
  /// How many of `holds` are meant.
  public private(set) var holdCount = 0
  /// The servers that it holds.
  public private(set) var holds: InlineArray<3, Hold> = .init(repeating: Hold())
  /// How many of `uses` are meant.
  public private(set) var useCount = 0
  /// The bandwidths that it consumes.
  public private(set) var uses: InlineArray<4, Use> = .init(repeating: Use())

  /// An operation of a fixed duration [s].
  public init(
    _ label: GraphLabel, layer: Int = -1, microBatch: Int = -1, seconds: Double,
    bytes: Double = 0
  ) {
    self.init(
      label, layer: layer, microBatch: microBatch, work: seconds, maximumRate: 1, bytes: bytes)
  }

  /// An operation of an amount of work.
  public init(
    _ label: GraphLabel, layer: Int = -1, microBatch: Int = -1, work: Double,
    maximumRate: Double = .infinity, latency: Double = 0, bytes: Double
  ) {
    precondition(work >= 0 && work < .infinity, "Work is finite and not negative.")
    precondition(maximumRate > 0, "The maximum rate is positive.")
    self.label = label
    self.layer = Int32(layer)
    self.microBatch = Int32(microBatch)
    self.work = work
    self.maximumRate = maximumRate
    self.latency = latency
    self.bytes = bytes
  }

  /// Adds units of a server to what it holds.
  public mutating func hold(_ server: GraphServer, units: Int = 1) {
    precondition(holdCount < Self.maximumHolds, "An operation holds at most three servers.")
    precondition(units > 0, "At least one unit of a server is held.")
    holds[holdCount] = Hold(server: server, units: Int32(units))
    holdCount += 1
  }

  /// Adds a bandwidth to what it consumes, so many bytes for each unit of work.
  public mutating func consume(_ bandwidth: GraphBandwidth, weight: Double = 1) {
    precondition(useCount < Self.maximumUses, "An operation consumes at most four bandwidths.")
    precondition(weight > 0, "A weight is positive.")
    uses[useCount] = Use(bandwidth: bandwidth, weight: weight)
    useCount += 1
  }

  /// Whether it holds units of a server.
  public func holds(_ server: GraphServer) -> Bool {
    for index in 0..<holdCount where holds[index].server == server { return true }
    return false
  }
}

extension GraphOperation {
  /// A kernel on the GPU's stream.
  public static func kernel(
    _ label: GraphLabel, layer: Int = -1, microBatch: Int = -1, _ work: GraphWork
  ) -> GraphOperation {
    var operation = GraphOperation(
      label, layer: layer, microBatch: microBatch, seconds: work.seconds, bytes: work.bytes)
    operation.hold(.stream)
    return operation
  }

  /// A computation by the processor, which shares host memory with copies.
  ///
  /// It takes `work.seconds` when nobody else uses host memory.
  public static func hostKernel(
    _ label: GraphLabel, layer: Int = -1, microBatch: Int = -1, _ work: GraphWork
  ) -> GraphOperation {
    var operation =
      work.bytes > 0 && work.seconds > 0
      ? GraphOperation(
        label, layer: layer, microBatch: microBatch, work: work.bytes,
        maximumRate: work.bytes / work.seconds, bytes: work.bytes)
      : GraphOperation(label, layer: layer, microBatch: microBatch, seconds: work.seconds)
    operation.hold(.hostCompute)
    if work.bytes > 0 && work.seconds > 0 { operation.consume(.hostMemory) }
    return operation
  }

  /// A copy from pinned host memory to the device.
  public static func load(
    _ label: GraphLabel, layer: Int = -1, microBatch: Int = -1, bytes: Double, _ rates: GraphRates
  ) -> GraphOperation {
    var operation = GraphOperation(
      label, layer: layer, microBatch: microBatch, work: bytes, maximumRate: rates.link,
      latency: rates.linkLatency, bytes: bytes)
    operation.hold(.hostToDevice)
    operation.consume(.linkDown)
    operation.consume(.hostMemory)
    return operation
  }

  /// A copy from the device to pinned host memory.
  public static func store(
    _ label: GraphLabel, layer: Int = -1, microBatch: Int = -1, bytes: Double, _ rates: GraphRates
  ) -> GraphOperation {
    var operation = GraphOperation(
      label, layer: layer, microBatch: microBatch, work: bytes, maximumRate: rates.link,
      latency: rates.linkLatency, bytes: bytes)
    operation.hold(.deviceToHost)
    operation.consume(.linkUp)
    operation.consume(.hostMemory)
    return operation
  }

  /// The processor's copy from pageable to pinned memory, which reads and writes host memory.
  public static func stage(
    _ label: GraphLabel, layer: Int = -1, microBatch: Int = -1, bytes: Double, _ rates: GraphRates
  ) -> GraphOperation {
    var operation = GraphOperation(
      label, layer: layer, microBatch: microBatch, work: bytes, maximumRate: rates.staging,
      bytes: bytes)
    operation.hold(.staging)
    operation.consume(.hostMemory, weight: 2)
    return operation
  }
}

extension GraphOperation {
  /// A kernel on the GPU's stream that holds so many of its multiprocessors.
  public static func kernel(
    _ label: GraphLabel, layer: Int = -1, microBatch: Int = -1, _ work: GraphWork,
    multiprocessors: Int
  ) -> GraphOperation {
    var operation = kernel(label, layer: layer, microBatch: microBatch, work)
    operation.hold(.multiprocessors, units: multiprocessors)
    return operation
  }

  /// A collective that holds multiprocessors while it sends and receives as many bytes.
  ///
  /// It takes max(bytes / rate, least time), as in arXiv 2410.12247.
  ///
  /// - Parameters:
  ///   - bytes: What this device sends; it receives as much.
  ///   - share: The share of the port's rate that so many multiprocessors saturate, at most 1.
  public static func collective(
    _ label: GraphLabel, layer: Int = -1, microBatch: Int = -1, bytes: Double,
    multiprocessors: Int, share: Double = 1, _ rates: GraphRates
  ) -> GraphOperation {
    precondition(bytes > 0 && rates.peer > 0, "A collective moves bytes between devices.")
    let least = rates.collectiveSeconds
    let rate = rates.peer * min(1, share)
    var operation = GraphOperation(
      label, layer: layer, microBatch: microBatch, work: bytes,
      maximumRate: least > 0 ? min(rate, bytes / least) : rate, bytes: bytes)
    operation.hold(.collective)
    operation.hold(.multiprocessors, units: multiprocessors)
    operation.consume(.peerEgress)
    operation.consume(.peerIngress)
    return operation
  }
}
