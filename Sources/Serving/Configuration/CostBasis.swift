// SPDX-License-Identifier: GPL-3.0-or-later

/// What turns prices and power into cost per token.
public struct CostBasis: Sendable, Equatable {
  /// Whether machines are bought or rented.
  public enum Way: String, Sendable, CaseIterable {
    /// Bought where the price of every part is known, else rented.
    case automatic = "auto"
    /// Bought, written off, and fed.
    case purchase
    /// Rented by the hour, energy included.
    case rent
  }

  /// The price of energy [USD/kWh]; 0.15 is MoE-CAP's constant (arXiv 2412.07067).
  public var energyUSDPerKilowattHour: Double
  /// The years over which the purchase is written off; an assumption.
  public var amortisationYears: Double
  /// The share of that life in which the machine serves as it does in the run; the rest of it, it is
  /// switched off.
  public var load: Double
  /// Power of the building over that of the machine (power usage effectiveness).
  public var powerUsageEffectiveness: Double
  /// Whether the headline figures are those of bought or of rented machines.
  public var way: Way

  /// A basis of cost.
  public init(
    energyUSDPerKilowattHour: Double = 0.15, amortisationYears: Double = 3, load: Double = 1,
    powerUsageEffectiveness: Double = 1, way: Way = .automatic
  ) {
    self.energyUSDPerKilowattHour = energyUSDPerKilowattHour
    self.amortisationYears = amortisationYears
    self.load = load
    self.powerUsageEffectiveness = powerUsageEffectiveness
    self.way = way
  }

  /// Hours of service over which the purchase is written off.
  var hoursInUse: Double { amortisationYears * 365.25 * 24 * load }

  /// What a mean power at the machine costs [USD/h].
  func energyUSDPerHour(watts: Double) -> Double {
    watts / 1000 * powerUsageEffectiveness * energyUSDPerKilowattHour
  }

  /// What is assumed of a machine that is bought, in words; `subject` says what is.
  func words(subject: String) -> String {
    let years = (amortisationYears * 10).rounded() / 10
    let use =
      load == 1 ? "full use" : "which it serves \((load * 1000).rounded() / 10) %"
    let building =
      powerUsageEffectiveness == 1 ? "" : ", times \(powerUsageEffectiveness) for the building"
    return "\(subject) written off over \(years) years of \(use); energy at"
      + " \(energyUSDPerKilowattHour) USD/kWh\(building)"
  }
}
