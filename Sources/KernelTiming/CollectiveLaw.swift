// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// The time of a collective among devices of one machine, as NCCL runs it.
///
/// For `bytes` bytes over n devices (the size that nccl-tests prints: of an all-gather the gathered
/// buffer, otherwise the buffer that each device enters with), at B bytes per second in one direction
/// of a device's links:
///
///     steps = n − 1; of an all-reduce 2(n − 1), of an all-to-all 1
///     wire  = bytes · (n − 1)/n, of an all-reduce twice that: what each device sends
///     e     = efficiency · (n/2)^(1 − sharing), efficiency = linkEfficiency or reduceEfficiency
///     p     = (bytes/protocolBytes)², x = (wire/rampBytes)^rampPower
///     seconds = launch + steps · (stepTime + protocolTime · p/(1 + p)) + wire/(B · e) + ramp · x/(1 + x)
///
/// A ring's steps are those of its published algorithm. The second term of a step stands for the
/// change from a protocol of low latency to one of high bandwidth, `ramp` for the filling of a
/// pipeline; both forms were chosen because they describe measured times. `sharing` says how the rate
/// of each device changes with their number: near 1 on switched links, far above it where devices
/// share the host's links.
///
/// Serving engines bring a kernel of their own for all-reduces of up to `largestShot` bytes: each device
/// reads all buffers of the others and adds them (one shot), or adds a part of them and gathers the other
/// parts (two shots), whichever is faster:
///
///     seconds = launch + min((n − 1) · bytes/(B · e), stepTime + 2 · bytes · (n − 1)/n/(B · e))
public struct CollectiveLaw: OperationLaw {
  /// What is done.
  public enum Kind: String, CaseIterable, Hashable, Sendable {
    case allReduce = "all_reduce"
    case allGather = "all_gather"
    case reduceScatter = "reduce_scatter"
    case allToAll = "all_to_all"
  }

  /// How devices exchange, and with it the kinds that have one law.
  public enum Pattern: String, CaseIterable, Hashable, Sendable {
    /// All-reduce, all-gather, reduce-scatter.
    case ring
    /// All-to-all.
    case exchange = "all_to_all"
    /// Small all-reduces in one or two shots, as serving engines run them within a captured graph.
    case shots

    /// The pattern of a kind, as NCCL runs it.
    public init(_ kind: Kind) { self = kind == .allToAll ? .exchange : .ring }
  }

  /// A collective.
  public struct Shape: Hashable, Sendable {
    /// What is done.
    public var kind: Kind
    /// Devices that take part.
    public var devices: Double
    /// Its size [B], as above.
    public var bytes: Double

    /// A collective.
    public init(_ kind: Kind, devices: Double, bytes: Double) {
      self.kind = kind
      self.devices = devices
      self.bytes = bytes
    }
  }

  /// The kinds that it is for.
  public var pattern: Pattern
  /// Seconds of any collective.
  public var launch = 4e-6
  /// Seconds of a step.
  public var stepTime = 1e-6
  /// Seconds that a step of many bytes takes in addition.
  public var protocolTime = 3e-7
  /// Bytes at which half of it is reached.
  public var protocolBytes = 1.6e4
  /// The share of the links' rate that two devices reach.
  public var linkEfficiency = 0.7
  /// The same in an all-reduce.
  public var reduceEfficiency = 0.75
  /// The power of n by which the time of many bytes grows.
  public var sharing = 0.9
  /// Seconds lost while a pipeline fills.
  public var ramp = 2e-5
  /// Bytes at which half of it is lost.
  public var rampBytes = 2e6
  /// How steeply it sets in.
  public var rampPower = 1.5
  /// What the law leaves over, by kind, devices and bytes.
  public var grid: KernelGrid?
  /// How good it is on unseen shapes.
  public var residuals: TimingLaws.Residuals?

  /// A law with parameters that fits begin with.
  public init(_ pattern: Pattern) { self.pattern = pattern }

  /// Seconds by the law alone.
  public func seconds(_ shape: Shape, on device: DeviceCapability, cached: Bool) -> Double {
    seconds(shape.kind, devices: shape.devices, bytes: shape.bytes, linkRate: device.linkRate)
  }

  /// Seconds of a collective by the law alone.
  ///
  /// - Parameter linkRate: of one direction of a device's links, above 0 [B/s].
  public func seconds(
    _ kind: Kind, devices: Double, bytes: Double, linkRate: Double
  ) -> Double {
    guard devices > 1 else { return 0 }
    precondition(linkRate > 0, "Devices without links have no collectives.")
    if pattern == .shots { return shotSeconds(devices: devices, bytes: bytes, linkRate: linkRate) }
    let passes: Double = kind == .allReduce ? 2 : 1
    let steps = kind == .allToAll ? 1 : passes * (devices - 1)
    let wire = passes * bytes * (devices - 1) / devices
    let efficiency =
      (kind == .allReduce ? reduceEfficiency : linkEfficiency)
      * pow(devices / 2, 1 - sharing)
    let ratio = bytes / protocolBytes
    let change = 1 - 1 / (1 + ratio * ratio)
    let filled = 1 - 1 / (1 + pow(wire / rampBytes, rampPower))
    return launch + steps * (stepTime + protocolTime * change) + wire / (linkRate * efficiency)
      + ramp * filled
  }

  /// The largest buffer that is all-reduced in shots [B]: that of vLLM's kernel on switched links.
  public static let largestShot = 8.0 * 1_048_576

  private func shotSeconds(devices: Double, bytes: Double, linkRate: Double) -> Double {
    let rate = linkRate * linkEfficiency * pow(devices / 2, 1 - sharing)
    let one = (devices - 1) * bytes / rate
    let two = stepTime + 2 * bytes * (devices - 1) / devices / rate
    return launch + min(one, two)
  }

  /// A feature of a shape, for the grid.
  public static func value(of feature: KernelGrid.Feature, in shape: Shape) -> Double {
    switch feature {
    case .bytes: max(shape.bytes, 1)
    case .devices: max(shape.devices, 1)
    case .kind: Double(1 << (Kind.allCases.firstIndex(of: shape.kind) ?? 0))
    default: 1
    }
  }
}

extension CollectiveLaw {
  /// Parameters without a unit, by their names in files.
  public static let shares:
    [(name: String, path: WritableKeyPath<CollectiveLaw, Double> & Sendable)] = [
      ("link_efficiency", \.linkEfficiency), ("reduce_efficiency", \.reduceEfficiency),
      ("sharing", \.sharing), ("ramp_power", \.rampPower),
    ]

  /// Parameters in seconds.
  public static let times:
    [(name: String, path: WritableKeyPath<CollectiveLaw, Double> & Sendable)] = [
      ("launch", \.launch), ("step_time", \.stepTime), ("protocol_time", \.protocolTime),
      ("ramp", \.ramp),
    ]

  /// Parameters in bytes.
  public static let sizes:
    [(name: String, path: WritableKeyPath<CollectiveLaw, Double> & Sendable)] = [
      ("protocol_bytes", \.protocolBytes), ("ramp_bytes", \.rampBytes),
    ]
}

extension TimingLaws {
  /// The law of all-reduces in shots, where one was fitted; for at most `CollectiveLaw.largestShot` bytes.
  public var shots: CollectiveLaw? { collectives.first { $0.pattern == .shots } }

  /// The law of a kind of collective, where one was fitted.
  public func collective(_ kind: CollectiveLaw.Kind) -> CollectiveLaw? {
    collectives.first { $0.pattern == CollectiveLaw.Pattern(kind) }
  }
}
