// SPDX-License-Identifier: GPL-3.0-or-later

/// Operations that hold servers and share bandwidths, and the queues between them.
///
/// The network is a layer on a `Simulation`: it schedules its own events there, and the model
/// hands each of them back through `handle(_:in:)`. Operations live in a recycled arena; nothing
/// is allocated once the greatest number of simultaneous operations has been reached.
///
/// **Servers.** An operation takes all its servers at one instant or waits in the queues of all
/// of them. Queues are ordered by priority, then by time of joining, and nobody overtakes the
/// head of a queue: an operation that needs many units is not starved by small ones. Since all
/// queues agree on the order of any two operations, waiting for several servers cannot deadlock.
///
/// **Preemption.** An operation with a `quantum` yields to a more urgent waiter at the next
/// multiple of it. Nothing is scheduled for a chunk until somebody waits.
///
/// **Bandwidths.** Rates are weighted max–min fair over all the bandwidths that the operations
/// cross (see `OperationNetwork+Sharing.swift`).
@frozen
public struct OperationNetwork<Event: OperationEventCarrier>: ~Copyable {
  @usableFromInline var operations = RawBuffer<OperationRecord>()
  /// Four places for each operation; a place's index is called its ticket.
  @usableFromInline var holds = RawBuffer<HoldRecord>(capacity: 64)
  /// Sixteen places for each operation.
  @usableFromInline var uses = RawBuffer<UseRecord>(capacity: 256)
  @usableFromInline var dependents = RawBuffer<DependentRecord>()
  @usableFromInline var servers = RawBuffer<ServerRecord>()
  @usableFromInline var bandwidths = RawBuffer<BandwidthRecord>()
  @usableFromInline var pools = RawBuffer<PoolRecord>()
  @usableFromInline var firstFreeOperation: UInt32 = .max
  @usableFromInline var firstFreeDependent: UInt32 = .max
  @usableFromInline var pendingCount = 0
  /// Servers whose queues may be able to move; handled from `wakeCursor` on.
  @usableFromInline var wakeList = RawBuffer<UInt32>()
  @usableFromInline var wakeCursor = 0
  /// Bandwidths whose shares must be computed anew before the present call returns.
  @usableFromInline var dirtyList = RawBuffer<UInt32>()
  @usableFromInline var passOperations = RawBuffer<UInt32>()
  @usableFromInline var passBandwidths = RawBuffer<UInt32>()
  @usableFromInline var passRates = RawBuffer<Double>()
  @usableFromInline var passMark: UInt32 = 0
  @usableFromInline var segments: [OperationSegment] = []
  @usableFromInline var statisticsStart: UInt64 = 0
  var serverNames: [String] = []
  var bandwidthNames: [String] = []
  var poolNames: [String] = []

  /// Whether every interval in which an operation held a server is kept for `drainSegments`.
  public var recordsSegments = false

  /// Creates a network without resources.
  public init() {}

  /// Adds a server with a number of equal units.
  public mutating func addServer(_ name: String, units: Int = 1) -> ServerID {
    precondition(units > 0 && units <= Int(Int32.max), "A server has at least one unit.")
    servers.append(ServerRecord(units: Int32(units)))
    serverNames.append(name)
    return ServerID(index: UInt32(servers.count - 1))
  }

  /// Adds a bandwidth of `rate` units per second. A rate of zero stalls what consumes it.
  public mutating func addBandwidth(_ name: String, rate: Double) -> BandwidthID {
    precondition(rate >= 0 && rate < .infinity, "A rate is finite and not negative.")
    bandwidths.append(BandwidthRecord(rate: rate))
    bandwidthNames.append(name)
    return BandwidthID(index: UInt32(bandwidths.count - 1))
  }

  /// Adds a pool that can hold `capacity`, for instance bytes.
  public mutating func addPool(_ name: String, capacity: Int64) -> PoolID {
    precondition(capacity >= 0, "A capacity is not negative.")
    pools.append(PoolRecord(capacity: capacity))
    poolNames.append(name)
    return PoolID(index: UInt32(pools.count - 1))
  }

  /// The number of servers.
  @inlinable public var serverCount: Int { servers.count }
  /// The number of shared bandwidths.
  @inlinable public var bandwidthCount: Int { bandwidths.count }
  /// The number of capacity pools.
  @inlinable public var poolCount: Int { pools.count }

  /// The number of operations created or submitted that have not ended.
  @inlinable public var pendingOperationCount: Int { pendingCount }

  /// Whether an operation has not ended.
  @inlinable
  public func isPending(_ operation: OperationID) -> Bool {
    find(operation) != nil
  }

  /// The work that an operation has done by `time`; zero for one that has ended.
  @inlinable
  public func completedWork(_ operation: OperationID, at time: SimulatedTime) -> Double {
    guard let slot = find(operation) else { return 0 }
    return operations[slot].completedWork(at: time.nanoseconds)
  }

  /// Whether an operation holds its servers.
  @inlinable
  public func isRunning(_ operation: OperationID) -> Bool {
    guard let slot = find(operation) else { return false }
    return operations[slot].stage == .running || operations[slot].stage == .starting
  }

  /// The work per second at which an operation progresses at present.
  @inlinable
  public func currentRate(_ operation: OperationID) -> Double {
    guard let slot = find(operation), operations[slot].stage == .running else { return 0 }
    return operations[slot].rate
  }

  /// The number of operations that wait for a server.
  @inlinable
  public func queueLength(_ server: ServerID) -> Int {
    Int(servers[Int(server.index)].queueLength)
  }

  /// The units of a server that are held.
  @inlinable
  public func busyUnits(_ server: ServerID) -> Int {
    Int(servers[Int(server.index)].units - servers[Int(server.index)].free)
  }

  /// The number of operations that consume a bandwidth at present.
  @inlinable
  public func userCount(_ bandwidth: BandwidthID) -> Int {
    Int(bandwidths[Int(bandwidth.index)].userCount)
  }

  /// Moves the recorded segments to the end of `sink`, in the order in which they ended.
  public mutating func drainSegments(into sink: inout [OperationSegment]) {
    sink.append(contentsOf: segments)
    segments.removeAll(keepingCapacity: true)
  }

  /// The place of an operation in the arena, unless it has ended.
  @inlinable
  @inline(__always)
  func find(_ operation: OperationID) -> Int? {
    let slot = Int(operation.slot)
    guard slot < operations.count, operations[slot].generation == operation.generation else {
      return nil
    }
    return slot
  }
}

extension OperationNetwork: @unchecked Sendable {}
