// SPDX-License-Identifier: GPL-3.0-or-later

/// An amount of work, what it holds while it runs and what it consumes at a rate.
///
/// An operation starts when it holds all its servers at once. After `latency` it progresses at
/// the rate of its slowest consumption, and never faster than `maximumRate`.
@frozen
public struct OperationDescription: Sendable, BitwiseCopyable {
  /// The most servers that one operation can hold.
  @inlinable public static var maximumHolds: Int { 4 }
  /// The most bandwidths that one operation can consume.
  @inlinable public static var maximumConsumptions: Int { 16 }

  /// The amount of work in units of the caller's choice, such as bytes or seconds.
  public var work: Double
  /// The work per second that is never exceeded; may be infinite if a bandwidth is consumed.
  public var maximumRate: Double
  /// The time that passes each time that the servers are obtained before progress begins.
  public var latency: SimulatedDuration
  /// The urgency in the queues of servers: 0 is the most urgent.
  public var priority: UInt8
  /// The chunk in units of work: at its multiples the operation yields its servers to a more
  /// urgent one that waits. 0: it never yields. `leastNonzeroMagnitude`: it yields at once.
  public var quantum: Double
  /// Returned when the operation ends.
  public var tag: UInt64
  /// The relative share of a contended bandwidth, compared with other operations' (default 1).
  public var share: Double
  /// The class of bandwidth sharing: a class gets only what the lower-numbered ones leave.
  public var bandwidthPriority: UInt8

  @usableFromInline var holdCount: UInt8
  @usableFromInline var useCount: UInt8
  /// The duration, if it was given as such, so that it need not be computed from the work.
  @usableFromInline var fixedNanoseconds: UInt64
  /// Apart from the others, so that the most common operation touches no array.
  @usableFromInline var firstHold: Hold
  @usableFromInline var moreHolds: InlineArray<3, Hold>
  @usableFromInline var firstUse: Use
  @usableFromInline var secondUse: Use
  @usableFromInline var moreUses: InlineArray<14, Use>

  /// A server and how many of its units are held.
  @frozen
  @usableFromInline
  struct Hold: Sendable, BitwiseCopyable {
    @usableFromInline var server: UInt32 = 0
    @usableFromInline var units: Int32 = 0
    @inlinable init() {}
    @inlinable init(server: UInt32, units: Int32) {
      self.server = server
      self.units = units
    }
  }

  /// A bandwidth and how much of it a unit of work consumes.
  @frozen
  @usableFromInline
  struct Use: Sendable, BitwiseCopyable {
    @usableFromInline var weight: Double = 0
    @usableFromInline var bandwidth: UInt32 = 0
    @inlinable init() {}
    @inlinable init(bandwidth: UInt32, weight: Double) {
      self.bandwidth = bandwidth
      self.weight = weight
    }
  }

  /// Describes an operation that takes a fixed time once it has started.
  ///
  /// Its work is counted in seconds and done at a rate of one.
  @inlinable
  public init(duration: SimulatedDuration, tag: UInt64 = 0, priority: UInt8 = 0) {
    self.init(work: duration.seconds, maximumRate: 1, tag: tag, priority: priority)
    self.fixedNanoseconds = duration.nanoseconds
  }

  /// Describes an operation that does `work`.
  ///
  /// - Precondition: `work` is finite and not negative; `maximumRate` is positive.
  @inlinable
  public init(
    work: Double, maximumRate: Double = .infinity, latency: SimulatedDuration = .zero,
    tag: UInt64 = 0, priority: UInt8 = 0, quantum: Double = 0
  ) {
    precondition(work >= 0 && work < .infinity, "Work is finite and not negative.")
    precondition(maximumRate > 0, "The maximum rate is positive.")
    self.work = work
    self.maximumRate = maximumRate
    self.latency = latency
    self.priority = priority
    self.quantum = quantum
    self.tag = tag
    self.share = 1
    self.bandwidthPriority = 0
    self.holdCount = 0
    self.useCount = 0
    self.fixedNanoseconds = .max
    self.firstHold = Hold()
    self.moreHolds = InlineArray(repeating: Hold())
    self.firstUse = Use()
    self.secondUse = Use()
    self.moreUses = InlineArray(repeating: Use())
  }

  /// Adds units of a server to what the operation holds while it runs.
  ///
  /// - Precondition: The operation holds at most four servers, and `units` is positive.
  @inlinable
  public mutating func hold(_ server: ServerID, units: Int = 1) {
    precondition(units > 0, "At least one unit of a server is held.")
    if holdCount == 0 {
      firstHold = Hold(server: server.index, units: Int32(units))
      holdCount = 1
    } else {
      holdAnother(server, units: units)
    }
  }

  @inline(never)
  @usableFromInline
  mutating func holdAnother(_ server: ServerID, units: Int) {
    if firstHold.server == server.index {
      firstHold.units += Int32(units)
      return
    }
    for index in 0..<Int(holdCount) - 1 where moreHolds[index].server == server.index {
      moreHolds[index].units += Int32(units)
      return
    }
    precondition(holdCount < 4, "An operation holds at most four servers.")
    moreHolds[Int(holdCount) - 1] = Hold(server: server.index, units: Int32(units))
    holdCount += 1
  }

  /// Adds a bandwidth that the operation consumes as it progresses.
  ///
  /// - Parameters:
  ///   - bandwidth: What is consumed.
  ///   - weight: The units of bandwidth used for each unit of work.
  /// - Precondition: At most 16 bandwidths are consumed, and `weight` is positive and finite.
  @inlinable
  public mutating func consume(_ bandwidth: BandwidthID, weight: Double = 1) {
    precondition(weight > 0 && weight < .infinity, "A weight is positive and finite.")
    let use = Use(bandwidth: bandwidth.index, weight: weight)
    if useCount == 0 {
      firstUse = use
      useCount = 1
    } else if useCount == 1, firstUse.bandwidth != use.bandwidth {
      secondUse = use
      useCount = 2
    } else {
      consumeAnother(use)
    }
  }

  @inline(never)
  @usableFromInline
  mutating func consumeAnother(_ use: Use) {
    if firstUse.bandwidth == use.bandwidth {
      firstUse.weight += use.weight
      return
    }
    if secondUse.bandwidth == use.bandwidth {
      secondUse.weight += use.weight
      return
    }
    for index in 0..<Int(useCount) - 2 where moreUses[index].bandwidth == use.bandwidth {
      moreUses[index].weight += use.weight
      return
    }
    precondition(useCount < 16, "An operation consumes at most 16 bandwidths.")
    moreUses[Int(useCount) - 2] = use
    useCount += 1
  }

  /// Whether it holds one server for a fixed time and no more, whatever was changed since.
  @inlinable
  @inline(__always)
  var isPlain: Bool {
    holdCount == 1 && useCount == 0 && quantum == 0 && maximumRate == 1
      && work == secondsOf(fixedNanoseconds) && fixedNanoseconds != .max
  }
}
