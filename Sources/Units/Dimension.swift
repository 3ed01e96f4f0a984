// SPDX-License-Identifier: GPL-3.0-or-later

/// What a quantity measures. Its value is always held in the base unit of its dimension.
public enum Dimension: String, CaseIterable, Hashable, Sendable {
  /// A share without a unit; "12.5%" is 0.125.
  case fraction
  /// A plain number without a unit.
  case count
  /// An amount of data [B].
  case bytes
  /// A data rate [B/s].
  case bytesPerSecond
  /// An amount of arithmetic [FLOP]; integer operations count alike.
  case flop
  /// A rate of arithmetic [FLOP/s].
  case flopPerSecond
  /// A duration [s].
  case seconds
  /// A rate of events [1/s].
  case perSecond
  /// A clock frequency [Hz].
  case hertz
  /// A power [W].
  case watts
  /// An energy [J].
  case joules
  /// An amount of energy for each byte moved [J/B].
  case joulesPerByte
  /// An amount of money [USD].
  case currency
  /// A price of energy [USD/J].
  case currencyPerEnergy
  /// A rental price [USD/h]; the hour, not the second, is the base unit.
  case currencyPerHour
  /// A price of storage [USD/B].
  case currencyPerByte
  /// A number of tokens.
  case tokens
  /// A rate of tokens [tokens/s].
  case tokensPerSecond

  /// The dimension in words, for messages: "an amount of data".
  public var words: String {
    switch self {
    case .fraction: "a share"
    case .count: "a plain number"
    case .bytes: "an amount of data"
    case .bytesPerSecond: "a data rate"
    case .flop: "an amount of arithmetic"
    case .flopPerSecond: "a rate of arithmetic"
    case .seconds: "a duration"
    case .perSecond: "a rate of events"
    case .hertz: "a frequency"
    case .watts: "a power"
    case .joules: "an energy"
    case .joulesPerByte: "an energy for each byte"
    case .currency: "an amount of money"
    case .currencyPerEnergy: "a price of energy"
    case .currencyPerHour: "a price of rental"
    case .currencyPerByte: "a price of storage"
    case .tokens: "a number of tokens"
    case .tokensPerSecond: "a rate of tokens"
    }
  }

  /// A quantity of this dimension as a user would write it: "24 GiB".
  public var example: String {
    switch self {
    case .fraction: "12.5%"
    case .count: "16"
    case .bytes: "24 GiB"
    case .bytesPerSecond: "31.5 GB/s"
    case .flop: "2 TFLOP"
    case .flopPerSecond: "330 TFLOPS"
    case .seconds: "3 us"
    case .perSecond: "6/s"
    case .hertz: "1.7 GHz"
    case .watts: "450 W"
    case .joules: "12 J"
    case .joulesPerByte: "6 pJ/bit"
    case .currency: "1599 USD"
    case .currencyPerEnergy: "0.15 USD/kWh"
    case .currencyPerHour: "0.60 USD/h"
    case .currencyPerByte: "4 USD/GiB"
    case .tokens: "512 tokens"
    case .tokensPerSecond: "20 tokens/s"
    }
  }
}
