// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

/// What a part draws; in between, power follows utilisation.
public struct PowerProfile: Sendable {
  /// Idle [W].
  public var idle: Figure
  /// Fully busy [W].
  public var full: Figure

  init(_ reader: MappingReader) {
    idle = reader.requiredFigure("idle", .watts, in: Plausible.power)
    full = reader.requiredFigure("full", .watts, in: Plausible.power)
    if idle.isRead, full.isRead, full.nominal < idle.nominal {
      reader.report("full", "is below idle; a busy part draws no less than an idle one")
    }
    reader.finish()
  }

  /// The power at `utilization` (0 to 1) [W].
  public func watts(utilization: Double) -> Double {
    idle.nominal + (full.nominal - idle.nominal) * min(max(utilization, 0), 1)
  }
}

extension MappingReader {
  /// The power at key "power"; reports when it is missing.
  func requiredPower() -> PowerProfile {
    PowerProfile(MappingReader(requiredChild("power"), into: collector))
  }
}
