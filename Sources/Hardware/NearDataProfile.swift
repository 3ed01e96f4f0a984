// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

/// A memory that computes: experts are stored in it, and may be computed beside it (MoNDE, arXiv
/// 2405.18832).
public struct NearDataProfile: Sendable {
  /// The name that reports print.
  public var name: String
  /// How much it holds [B].
  public var capacity: Figure
  /// The rate at which its own units read it [B/s].
  public var bandwidth: Figure
  /// Peak rates of its units [FLOP/s].
  public var peak: [ComputeClass: Figure]
  /// What it draws.
  public var power: PowerProfile
  /// What it costs [USD]; `nil` where nobody says.
  public var purchasePrice: Figure?

  init(_ reader: MappingReader) {
    name = reader.requiredString("name")
    capacity = reader.requiredFigure("capacity", .bytes, in: Plausible.capacity)
    bandwidth = reader.requiredFigure("bandwidth", .bytesPerSecond, in: Plausible.bandwidth, .rate)
    peak = reader.peaks()
    power = reader.requiredPower()
    purchasePrice = reader.figure("price", .currency, in: Plausible.price)
    reader.finish()
  }
}
