// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import KernelTiming

/// How long a collective among the GPUs of a replica takes when nothing contends with it.
public protocol CollectiveEstimate: Sendable {
  /// Seconds of a collective.
  ///
  /// - Parameters:
  ///   - kind: What is done.
  ///   - devices: GPUs that take part.
  ///   - bytes: The buffer that each enters with; of an all-gather the gathered buffer.
  func seconds(_ kind: CollectiveLaw.Kind, devices: Int, bytes: Double) -> Double
}

/// Collectives by a law that was fitted to the machine's measured ones, or by the links' figures.
///
/// Without a law a collective is a ring: each of its steps takes the link's latency and carries an
/// equal share of the bytes at the link's rate. GPUs without links to each other go over their host
/// links, through host memory.
public struct LinkCollectives: CollectiveEstimate {
  /// The fitted laws.
  public let laws: TimingLaws
  /// One direction of a GPU's link to others, or to the host where it has none [B/s].
  public let rate: Double
  /// The rate by which the laws count, the device's as sold [B/s].
  public let nominalRate: Double
  /// Seconds before the first byte of a step.
  public let latencySeconds: Double

  /// Collectives of a machine.
  public init(_ figures: MachineFigures, timing: DeviceTiming) {
    let hasPeers = figures.peerRate > 0
    laws = timing.laws
    nominalRate = timing.capability.linkRate
    rate = hasPeers ? figures.peerRate : figures.linkRate
    latencySeconds = hasPeers ? figures.peerLatencySeconds : figures.linkLatencySeconds
  }

  /// Seconds of a collective.
  public func seconds(_ kind: CollectiveLaw.Kind, devices: Int, bytes: Double) -> Double {
    guard devices > 1, bytes > 0 else { return 0 }
    if let law = laws.collective(kind), nominalRate > 0 {
      return law.seconds(kind, devices: Double(devices), bytes: bytes, linkRate: nominalRate)
    }
    let others = Double(devices - 1)
    let steps = kind == .allReduce ? 2 * others : kind == .allToAll ? 1 : others
    return steps * latencySeconds + Self.wireBytes(kind, devices: devices, bytes: bytes) / rate
  }

  /// Bytes that each GPU sends in a ring.
  static func wireBytes(_ kind: CollectiveLaw.Kind, devices: Int, bytes: Double) -> Double {
    let share = bytes * Double(devices - 1) / Double(devices)
    return kind == .allReduce ? 2 * share : share
  }
}

/// Collectives over the topology of a machine.
public struct TopologyCollectives: CollectiveEstimate {
  private let timing: CollectiveTiming

  /// The collectives of a machine's first GPUs.
  ///
  /// - Parameters:
  ///   - machine: The machine.
  ///   - gpus: How many of its GPUs take part.
  ///   - laws: Fitted to its collectives; used where it has links that they are for.
  /// - Throws: `TopologyError` where two GPUs have no route.
  public init(_ machine: MachineProfile, gpus: Int, laws: TimingLaws) throws {
    timing = try CollectiveTiming(
      topology: ClusterTopology(machine: machine, hosts: 1), devices: Array(0..<gpus), laws: laws)
  }

  /// Seconds of a collective of all of these GPUs.
  public func seconds(_ kind: CollectiveLaw.Kind, devices: Int, bytes: Double) -> Double {
    timing.seconds(kind, bytes: bytes)
  }
}

/// Other collectives, faster by a factor.
struct FasterCollectives: CollectiveEstimate {
  let base: any CollectiveEstimate
  let factor: Double

  func seconds(_ kind: CollectiveLaw.Kind, devices: Int, bytes: Double) -> Double {
    base.seconds(kind, devices: devices, bytes: bytes) / factor
  }
}
