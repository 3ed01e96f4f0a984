// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

/// The memory of a device.
public struct MemoryProfile: Sendable {
  /// How much there is [B].
  public var capacity: Figure
  /// What the driver and the framework take before any weight is loaded [B].
  public var reserved: Figure?
  /// The rate of reading and writing together [B/s].
  public var bandwidth: Figure

  /// The capacity in whole bytes.
  public var capacityBytes: Int64 { Int64(capacity.nominal) }
  /// What is left for weights, KV cache and activations [B].
  public var usableBytes: Int64 { max(0, capacityBytes - Int64(reserved?.nominal ?? 0)) }

  init(_ reader: MappingReader) {
    capacity = reader.requiredFigure("capacity", .bytes, in: Plausible.capacity)
    reserved = reader.figure("reserved", .bytes, in: 0...Plausible.capacity.upperBound)
    bandwidth = reader.requiredFigure("bandwidth", .bytesPerSecond, in: Plausible.bandwidth, .rate)
    if let reserved, capacity.isRead, reserved.nominal >= capacity.nominal {
      reader.report("reserved", "is not less than the capacity")
    }
    reader.finish()
  }
}

/// A graphics processor or another accelerator.
public struct GPUProfile: Sendable {
  /// The name that reports print.
  public var name: String
  /// The family, such as "ada".
  public var architecture: String
  /// Streaming multiprocessors, or compute units.
  public var streamingMultiprocessors: Figure
  /// The clock at which its peaks are stated [Hz], where known.
  public var clock: Figure?
  /// The cache before its memory [B], where known.
  public var cache: Figure?
  /// Its memory; on a unified-memory machine its bandwidth is the GPU's own share of the pool.
  public var memory: MemoryProfile
  /// Dense peak rates [FLOP/s], with accumulation in 32 bits where that is slower.
  public var peak: [ComputeClass: Figure]
  /// What it draws.
  public var power: PowerProfile
  /// What it costs to buy [USD]; `nil` where nobody says.
  public var purchasePrice: Figure?
  /// What it costs to rent [USD/h]; `nil` when nobody rents it out.
  public var cloudPricePerHour: Figure?
  /// The connection to host memory; `nil` when the memory is unified.
  public var hostLink: LinkProfile?
  /// The connection to other GPUs, one direction of one GPU; `nil` when they speak through the host.
  public var peerLink: LinkProfile?
  /// Parameters of timing laws that were fitted to this device, as the file carries them.
  public var timing: ConfigurationNode?
  /// The device whose laws are carried over to this one, which nobody timed; `nil` for none.
  public var timingOrigin: GPUProfile? { origins.first }

  private var origins: [GPUProfile] = []

  init(_ reader: MappingReader, parts: PartResolver) {
    name = reader.requiredString("name")
    architecture = reader.requiredString("architecture")
    streamingMultiprocessors = reader.requiredFigure(
      "streaming_multiprocessors", .count, in: Plausible.units)
    clock = reader.figure("clock", .hertz, in: Plausible.clock)
    cache = reader.figure("cache", .bytes, in: Plausible.cache)
    memory = MemoryProfile(MappingReader(reader.requiredChild("memory"), into: reader.collector))
    peak = reader.peaks()
    power = reader.requiredPower()
    purchasePrice = reader.figure("price", .currency, in: Plausible.price)
    cloudPricePerHour = reader.figure("rent", .currencyPerHour, in: Plausible.rent)
    hostLink = reader.child("host_link").flatMap { parts.reader($0, .link) }.map(LinkProfile.init)
    peerLink = reader.child("peer_link").flatMap { parts.reader($0, .link) }.map(LinkProfile.init)
    timing = reader.child("timing")
    if let node = timing, let from = node["from"] {
      timing = nil
      origins = parts.timingOrigin(node, from).map { [$0] } ?? []
    }
    reader.finish()
  }

  /// At which peak arithmetic of `wanted` runs here: its own, or that of the class to which the
  /// weights are converted.
  public func peak(for wanted: ComputeClass) -> (computeClass: ComputeClass, figure: Figure) {
    Self.peak(for: wanted, among: peak)
  }

  /// Walks the fallbacks of `wanted`; profiles always have fp32.
  static func peak(
    for wanted: ComputeClass, among peaks: [ComputeClass: Figure]
  ) -> (computeClass: ComputeClass, figure: Figure) {
    var candidate = wanted
    while true {
      if let figure = peaks[candidate] { return (candidate, figure) }
      guard let next = candidate.fallback else {
        preconditionFailure("A profile without an fp32 peak was not refused.")
      }
      candidate = next
    }
  }
}

extension MappingReader {
  /// The peak rates at key "peak", of which fp32 must be one.
  func peaks() -> [ComputeClass: Figure] {
    let reader = MappingReader(requiredChild("peak"), into: collector)
    var peaks: [ComputeClass: Figure] = [:]
    for computeClass in ComputeClass.allCases {
      peaks[computeClass] =
        computeClass == .fp32
        ? reader.requiredFigure(computeClass.name, .flopPerSecond, in: Plausible.peak, .rate)
        : reader.figure(computeClass.name, .flopPerSecond, in: Plausible.peak, .rate)
    }
    reader.finish()
    return peaks
  }
}
