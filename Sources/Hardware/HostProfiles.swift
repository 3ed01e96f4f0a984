// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

/// The processors of a host; figures are of all sockets together.
public struct CPUProfile: Sendable {
  /// The name that reports print.
  public var name: String
  /// Sockets with such a processor.
  public var sockets: Int
  /// Cores of all sockets.
  public var cores: Figure
  /// Peak rates of all cores [FLOP/s].
  public var peak: [ComputeClass: Figure]
  /// How fast one thread copies from pageable into pinned memory [B/s].
  public var stagingCopy: Figure
  /// What all sockets draw.
  public var power: PowerProfile
  /// What all sockets cost [USD]; `nil` where nobody says.
  public var purchasePrice: Figure?
  /// The rate at which one socket reads the memory of the other [B/s].
  public var socketLink: Figure?
  /// Parameters of timing laws that were fitted to this processor, as the file carries them.
  public var timing: ConfigurationNode?

  init(_ reader: MappingReader, sockets: Int) {
    self.sockets = sockets
    name = reader.requiredString("name")
    cores = reader.requiredFigure("cores", .count, in: Plausible.units).times(sockets)
    peak = reader.peaks().mapValues { $0.times(sockets) }
    stagingCopy = reader.requiredFigure("staging_copy", .bytesPerSecond, in: Plausible.bandwidth)
    power = reader.requiredPower()
    power.idle = power.idle.times(sockets)
    power.full = power.full.times(sockets)
    purchasePrice = reader.figure("price", .currency, in: Plausible.price)?.times(sockets)
    socketLink = reader.figure("socket_link", .bytesPerSecond, in: Plausible.bandwidth)
    timing = reader.child("timing")
    reader.finish()
  }

  /// The bandwidth of the staging copy [B/s].
  public var stagingCopyBandwidth: Double { stagingCopy.effective }

  /// At which peak arithmetic of `wanted` runs here.
  public func peak(for wanted: ComputeClass) -> (computeClass: ComputeClass, figure: Figure) {
    GPUProfile.peak(for: wanted, among: peak)
  }
}

/// The memory of a host; figures are of all sockets together.
public struct DRAMProfile: Sendable {
  /// The name that reports print.
  public var name: String
  /// Channels of all sockets.
  public var channels: Figure
  /// How much there is on all sockets [B].
  public var capacity: Figure
  /// What the system and programs take [B].
  public var reserved: Figure?
  /// The rate of reading and writing together, all channels [B/s].
  public var bandwidth: Figure
  /// Unloaded latency [s].
  public var latency: Figure
  /// What it costs to buy [USD/B]; `nil` where nobody says.
  public var pricePerByte: Figure?
  /// What each 32 GiB draw when idle [W].
  public var standbyPer32GiB: Figure
  /// What moving a byte takes [J/B].
  public var energyPerByte: Figure

  /// - Parameter count: sockets; the file's figures are of one, but `capacity` is of all.
  init(_ reader: MappingReader, count: Int) {
    name = reader.requiredString("name")
    channels = reader.requiredFigure("channels", .count, in: Plausible.units).times(count)
    capacity = reader.requiredFigure("capacity", .bytes, in: Plausible.capacity)
    reserved = reader.figure("reserved", .bytes, in: 0...Plausible.capacity.upperBound)
    bandwidth = reader.requiredFigure("bandwidth", .bytesPerSecond, in: Plausible.bandwidth, .rate)
      .times(count)
    latency = reader.requiredFigure("latency", .seconds, in: Plausible.latency)
    pricePerByte = reader.figure("price", .currencyPerByte, in: Plausible.pricePerByte)
    standbyPer32GiB = reader.requiredFigure("standby_per_32_gib", .watts, in: Plausible.power)
    energyPerByte = reader.requiredFigure("energy", .joulesPerByte, in: Plausible.energyPerByte)
    if let reserved, capacity.isRead, reserved.nominal >= capacity.nominal {
      reader.report("reserved", "is not less than the capacity")
    }
    reader.finish()
  }

  /// The capacity in whole bytes.
  public var capacityBytes: Int64 { Int64(capacity.nominal) }
  /// What is left for weights and caches [B].
  public var usableBytes: Int64 { max(0, capacityBytes - Int64(reserved?.nominal ?? 0)) }
  /// What all of it costs [USD]; `nil` where the profile has no price.
  public var purchasePrice: Double? { pricePerByte.map { $0.nominal * capacity.nominal } }
  /// What all of it draws when idle [W].
  public var standbyWatts: Double { standbyPer32GiB.nominal * capacity.nominal / Double(32 << 30) }
}

/// A drive: a station with several requests in service at once, not a divided bandwidth.
///
/// A request holds one of the `lanes`, waits `readLatency`, then moves its bytes; all requests
/// together move no more than the bandwidth and are no more than the request rate.
public struct DriveProfile: Sendable {
  /// The name that reports print.
  public var name: String
  /// How much it holds [B].
  public var capacity: Figure
  /// The rate of reading [B/s].
  public var readBandwidth: Figure
  /// The rate of writing [B/s].
  public var writeBandwidth: Figure
  /// From request to first byte, when nothing else is asked for [s].
  public var readLatency: Figure
  /// Small random reads a second at full depth [1/s].
  public var readRate: Figure
  /// Requests in parallel that saturate it.
  public var lanes: Figure
  /// What it draws.
  public var power: PowerProfile
  /// What it costs [USD]; `nil` where nobody says.
  public var purchasePrice: Figure?

  init(_ reader: MappingReader) {
    name = reader.requiredString("name")
    capacity = reader.requiredFigure("capacity", .bytes, in: Plausible.capacity)
    readBandwidth = reader.requiredFigure(
      "read_bandwidth", .bytesPerSecond, in: Plausible.bandwidth, .rate)
    writeBandwidth = reader.requiredFigure(
      "write_bandwidth", .bytesPerSecond, in: Plausible.bandwidth, .rate)
    readLatency = reader.requiredFigure("read_latency", .seconds, in: Plausible.latency)
    readRate = reader.requiredFigure("read_rate", .perSecond, in: Plausible.requestRate)
    lanes = reader.requiredFigure("lanes", .count, in: Plausible.units)
    power = reader.requiredPower()
    purchasePrice = reader.figure("price", .currency, in: Plausible.price)
    reader.finish()
  }

  /// Requests in service at once.
  public var laneCount: Int { max(1, Int(lanes.nominal.rounded())) }
}

/// What remains of a machine: board, case, supply, fans, network.
public struct ChassisProfile: Sendable {
  /// The name that reports print.
  public var name: String
  /// What it draws.
  public var power: PowerProfile
  /// What it costs [USD]; `nil` where nobody says.
  public var purchasePrice: Figure?

  init(_ reader: MappingReader) {
    name = reader.requiredString("name")
    power = reader.requiredPower()
    purchasePrice = reader.figure("price", .currency, in: Plausible.price)
    reader.finish()
  }
}
