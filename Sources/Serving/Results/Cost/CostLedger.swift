// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware

/// Adds up what machines cost and draw, part by part: the one place in which either engine's bill is made.
///
/// An engine enters each part of its machines, with how many are bought and what they draw in the mean;
/// equal parts share a line.
struct CostLedger {
  /// Parts of one name and price.
  private struct Line {
    var name: String
    var kind: BillItem.Kind
    var unitUSD: Double?
    var source: String
    var count = 0.0
    var watts = 0.0
  }

  /// What was made in the measured time.
  struct Production {
    /// The measured time [s].
    var seconds: Double
    /// Output tokens, those answered from a cache included.
    var outputTokens: Double
    /// Prompt tokens computed.
    var promptTokens: Double
    /// Tokens of both kinds.
    var allTokens: Double { outputTokens + promptTokens }
  }

  private var lines: [Line] = []
  private var powers: [SimulationResult.NamedValue] = []
  /// The rent of all machines that are up [USD/h]; `nil` where that of one is not known.
  var rentUSDPerHour: Double?

  /// Enters a part.
  ///
  /// - Parameters:
  ///   - machines: How many machines with it are bought.
  ///   - watts: The mean power of all of it, in all machines that were up [W].
  ///   - joinsNamesake: Whether its power is added to that of a part of the same name in the report of
  ///     energy.
  mutating func enter(
    _ part: MachineFigures.Part, machines: Double = 1, watts: Double, joinsNamesake: Bool = false
  ) {
    if joinsNamesake, let known = powers.firstIndex(where: { $0.name == part.name }) {
      powers[known].value += watts
    } else {
      powers.append(.init(name: part.name, value: watts))
    }
    let place =
      lines.firstIndex {
        $0.name == part.name && $0.kind == part.kind && $0.unitUSD == part.purchaseUSD
      } ?? lines.count
    if place == lines.count {
      lines.append(
        Line(
          name: part.name, kind: part.kind, unitUSD: part.purchaseUSD, source: part.priceSource))
    }
    lines[place].count += machines * Double(part.count)
    lines[place].watts += watts
  }

  /// The energy of the measured time.
  func energyReport(_ production: Production) -> SimulationResult.EnergyReport {
    let watts = powers.reduce(0) { $0 + $1.value }
    let joules = watts * production.seconds
    let tokens = production.outputTokens
    return .init(
      joulesPerOutputToken: tokens > 0 ? joules / tokens : nil, joules: joules, meanWatts: watts,
      parts: powers)
  }

  /// The bill.
  ///
  /// - Parameters:
  ///   - boughtWords: What is bought, in place of "purchase" in the sentence that says what was assumed.
  ///   - rentWords: What is assumed of what is rented.
  func costReport(
    _ basis: CostBasis, _ production: Production, boughtWords: String? = nil, rentWords: String
  ) -> SimulationResult.CostReport {
    let prices = lines.compactMap { line in line.unitUSD.map { $0 * line.count } }
    let missing = lines.filter { $0.unitUSD == nil }.map(\.name)
    let purchase = prices.isEmpty ? nil : prices.reduce(0, +)
    let watts = powers.reduce(0) { $0 + $1.value }
    let energyPerHour = basis.energyUSDPerHour(watts: watts)
    let writtenOff = purchase.map { $0 / basis.hoursInUse }
    // What is known of the prices is not what the machine costs.
    let bought =
      missing.isEmpty
      ? writtenOff.map { Self.way(perHour: $0 + energyPerHour, production) } : nil
    let rented = rentUSDPerHour.map { Self.way(perHour: $0, production) }
    let isBought: Bool
    switch basis.way {
    case .purchase: isBought = true
    case .rent: isBought = false
    case .automatic: isBought = bought != nil || rented == nil
    }
    let chosen = isBought ? bought : rented
    let words: String
    if isBought {
      words =
        purchase == nil
        ? "no price is known"
        : missing.isEmpty
          ? basis.words(subject: boughtWords ?? "purchase")
          : "no cost of an hour: the price of \(missing.joined(separator: ", ")) is not known"
    } else {
      words = rented == nil ? "no rent is known" : rentWords
    }
    var report = SimulationResult.CostReport(
      usdPerMillionOutputTokens: chosen?.usdPerMillionOutputTokens, purchaseUsd: purchase,
      usdPerHour: chosen?.usdPerHour, basis: words)
    report.purchase = bought
    report.rent = rented
    report.writtenOffUsdPerHour = writtenOff
    report.energyUsdPerHour = energyPerHour
    report.joulesPerMillionOutputTokens = Self.perMillion(
      watts * production.seconds, production.outputTokens)
    report.joulesPerMillionTokens = Self.perMillion(
      watts * production.seconds, production.allTokens)
    report.unpricedParts = missing
    report.items = lines.map { item($0, basis, production) }
    return report
  }

  private func item(
    _ line: Line, _ basis: CostBasis, _ production: Production
  ) -> SimulationResult.CostReport.Item {
    let total = line.unitUSD.map { $0 * line.count }
    let writtenOff = total.map { $0 / basis.hoursInUse }
    let energy = basis.energyUSDPerHour(watts: line.watts)
    return .init(
      name: line.name, kind: line.kind.rawValue, count: line.count, unitUsd: line.unitUSD,
      totalUsd: total, writtenOffUsdPerHour: writtenOff, meanWatts: line.watts,
      energyUsdPerHour: energy,
      usdPerMillionOutputTokens: writtenOff.flatMap {
        Self.way(perHour: $0 + energy, production).usdPerMillionOutputTokens
      },
      joulesPerMillionOutputTokens: Self.perMillion(
        line.watts * production.seconds, production.outputTokens), priceSource: line.source)
  }

  private static func way(
    perHour: Double, _ production: Production
  ) -> SimulationResult.CostReport.Way {
    let spent = perHour / 3600 * production.seconds
    return .init(
      usdPerHour: perHour,
      usdPerMillionOutputTokens: perMillion(spent, production.outputTokens),
      usdPerMillionTokens: perMillion(spent, production.allTokens))
  }

  private static func perMillion(_ amount: Double, _ tokens: Double) -> Double? {
    tokens > 0 ? amount / tokens * 1e6 : nil
  }
}
