// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
public import RandomStreams
public import SimulationKernel

/// How a gateway is set up.
public struct GatewaySettings: Hashable, Sendable {
  /// What a request spends in the gateway before it is sent on.
  public enum Latency: Hashable, Sendable {
    /// Always so long [s].
    case constant(Double)
    /// The exponential of a normal variable with this mean and deviation, of seconds.
    case lognormal(logMean: Double, logDeviation: Double)

    /// A lognormal latency by its mean [s] and median [s].
    ///
    /// - Precondition: `mean >= median > 0`.
    public static func lognormal(mean: Double, median: Double) -> Latency {
      precondition(median > 0 && mean >= median, "A lognormal mean is at least its median.")
      return .lognormal(
        logMean: log(median), logDeviation: (2 * log(mean / median)).squareRoot())
    }

    /// The mean [s].
    public var mean: Double {
      switch self {
      case .constant(let seconds): seconds
      case .lognormal(let mean, let deviation): exp(mean + deviation * deviation / 2)
      }
    }
  }

  /// What a request spends in the gateway.
  public var latency: Latency
  /// Requests that may be behind the gateway at once; `nil` for any number.
  public var concurrency: Int?

  /// Settings; no latency and no limit by default.
  public init(latency: Latency = .constant(0), concurrency: Int? = nil) {
    self.latency = latency
    self.concurrency = concurrency
  }
}

/// Where requests enter a fleet: a delay, and a limit of how many are behind it.
///
/// The gateway works on any number of requests at once: its delay is one of network and look-ups, not
/// of a queue. Those that the limit keeps out wait in the queue of the fleet, which asks again when one
/// has left.
public struct Gateway: Sendable {
  /// The settings.
  public let settings: GatewaySettings
  /// Requests that have entered and not left.
  public private(set) var inFlight = 0
  /// The most there ever were.
  public private(set) var highWater = 0
  private let stream: RandomStream

  /// A gateway that nobody has passed.
  public init(_ settings: GatewaySettings, seed: UInt64, replication: UInt32) {
    self.settings = settings
    stream = RandomStream(
      seed: seed, replication: replication, purpose: .gatewayLatency, entity: 0)
  }

  /// What a request spends in the gateway: the same however often it is asked.
  public func latency(ofRequest number: UInt64) -> SimulatedDuration {
    switch settings.latency {
    case .constant(let seconds): return SimulatedDuration(seconds: seconds)
    case .lognormal(let mean, let deviation):
      var stream = stream.forEntity(number)
      // Beyond 10⁹ s no run goes on.
      return SimulatedDuration(seconds: min(exp(mean + deviation * stream.normal()), 1e9))
    }
  }

  /// Whether another request may enter.
  public var hasRoom: Bool { settings.concurrency.map { inFlight < $0 } ?? true }

  /// Lets a request enter, if there is room.
  public mutating func enter() -> Bool {
    guard hasRoom else { return false }
    inFlight += 1
    highWater = max(highWater, inFlight)
    return true
  }

  /// Lets a request leave: answered, or lost.
  ///
  /// - Precondition: One is behind the gateway.
  public mutating func leave() {
    precondition(inFlight > 0, "A request leaves a gateway that it has entered.")
    inFlight -= 1
  }
}
