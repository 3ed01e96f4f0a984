// SPDX-License-Identifier: GPL-3.0-or-later

import Serving

/// How often, how long and from which seed.
public struct ScenarioRun: Sendable {
  /// What is cut from the front of a run before figures are taken.
  public enum WarmUp: Hashable, Sendable {
    /// As much as the run itself shows to be needed.
    case automatic
    /// So many requests.
    case requests(Int)
    /// So many simulated seconds.
    case seconds(Double)
  }

  /// The seed of all randomness.
  public var seed: UInt64
  /// How many times the run is repeated, with other randomness each time.
  public var replications: Int
  /// What is cut from the front.
  public var warmUp: WarmUp
  /// Simulated seconds after which a run ends at the latest; `nil` for none.
  public var durationSeconds: Double?
  /// Whether runs with one resource twice as fast are added, to say what would help.
  public var improvements: Bool
}

/// What is assumed about prices.
public struct ScenarioCost: Sendable {
  /// The price of energy [USD/J].
  public var energyPrice: Double
  /// The time over which the purchase is written off [s].
  public var lifetimeSeconds: Double
  /// The share of that time in which the machine serves as it does in the run.
  public var load: Double
  /// Power of the building over that of the machine.
  public var powerUsageEffectiveness: Double
  /// Whether the machine is bought or rented.
  public var way: CostBasis.Way

  /// What the engines reckon with.
  var basis: CostBasis {
    CostBasis(
      energyUSDPerKilowattHour: energyPrice * 3.6e6,
      amortisationYears: lifetimeSeconds / (365.25 * 86_400), load: load,
      powerUsageEffectiveness: powerUsageEffectiveness, way: way)
  }
}
