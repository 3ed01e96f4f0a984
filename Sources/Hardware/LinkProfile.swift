// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

/// A connection between two memories: PCIe, NVLink, a network.
public struct LinkProfile: Sendable {
  /// The name that reports print.
  public var name: String
  /// The rate of one direction [B/s]; achievable is that of large copies from pinned memory.
  public var bandwidth: Figure
  /// The rate of copies from pageable memory, staging copy included, as measured from outside [B/s].
  ///
  /// A simulation models the staging copy as a stage of its own (`CPUProfile.stagingCopy`); this
  /// figure is what the two stages together should come to.
  public var pageable: Figure?
  /// Time before the first byte moves, during which the link is not occupied [s].
  public var latency: Figure
  /// Time for which each message occupies the link besides its bytes [s].
  public var perMessageOverhead: Figure
  /// Whether both directions work at once; a half-duplex link has one direction at a time.
  public var isFullDuplex: Bool
  /// The share of its rate that each direction keeps while both are busy.
  public var duplexShare: Figure?
  /// What cards, switches and cables of it draw beside the devices at its ends; `nil` where their power
  /// includes it.
  public var power: PowerProfile?
  /// What they cost beside those devices [USD]; `nil` where their prices include it.
  public var purchasePrice: Figure?

  init(_ reader: MappingReader) {
    name = reader.requiredString("name")
    bandwidth = reader.requiredFigure("bandwidth", .bytesPerSecond, in: Plausible.bandwidth, .rate)
    pageable = reader.figure("pageable", .bytesPerSecond, in: Plausible.bandwidth)
    latency = reader.requiredFigure("latency", .seconds, in: Plausible.latency)
    perMessageOverhead = reader.requiredFigure("per_message", .seconds, in: Plausible.latency)
    isFullDuplex = reader.bool("full_duplex") ?? true
    duplexShare = reader.figure("duplex_share", .fraction, in: 0.5...1)
    power = reader.child("power").map { PowerProfile(MappingReader($0, into: reader.collector)) }
    purchasePrice = reader.figure("price", .currency, in: Plausible.price)
    reader.finish()
  }

  /// The time of one copy of `bytes` that nothing contends with [s].
  public func seconds(bytes: Int64) -> Double {
    latency.effective + perMessageOverhead.effective + Double(bytes) / bandwidth.effective
  }
}
