// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import Testing

@testable import Serving

/// Bills by hand, and books that balance.
@Suite("Cost ledger")
struct CostLedgerTests {
  private static func part(
    _ name: String, _ kind: BillItem.Kind, usd: Double?, count: Int = 1
  ) -> MachineFigures.Part {
    .init(
      name: name, resource: nil, purchaseUSD: usd, idleWatts: 10, fullWatts: 100, kind: kind,
      count: count, priceSource: usd == nil ? "" : "a list")
  }

  /// Two GPUs of 1,000 USD and 100 W, a processor of 500 USD and 50 W.
  private static func ledger(cpuPrice: Double? = 500, rent: Double? = nil) -> CostLedger {
    var ledger = CostLedger()
    for _ in 0..<2 { ledger.enter(part("GPU", .gpu, usd: 1000), watts: 100) }
    ledger.enter(part("CPU", .cpu, usd: cpuPrice), watts: 50)
    ledger.rentUSDPerHour = rent
    return ledger
  }

  /// An hour in which a million output tokens and three million of prompts are computed.
  private static let hour = CostLedger.Production(
    seconds: 3600, outputTokens: 1e6, promptTokens: 3e6)

  private static func bill(
    _ ledger: CostLedger, _ basis: CostBasis = CostBasis()
  ) -> SimulationResult.CostReport {
    ledger.costReport(basis, hour, rentWords: "rented")
  }

  @Test("a bought machine is written off over the hours in which it serves, and fed")
  func purchase() throws {
    let basis = CostBasis(
      energyUSDPerKilowattHour: 0.2, amortisationYears: 2, load: 0.5, powerUsageEffectiveness: 1.5)
    let bill = Self.bill(Self.ledger(), basis)
    // 2 years of 8,766 hours, half of them in use; 250 W, half as much again for the building.
    let writtenOff = 2500.0 / 8766
    let energy = 0.25 * 1.5 * 0.2
    #expect(bill.purchaseUsd == 2500)
    #expect(abs(bill.writtenOffUsdPerHour! - writtenOff) < 1e-12)
    #expect(abs(bill.energyUsdPerHour! - energy) < 1e-12)
    #expect(abs(bill.usdPerHour! - (writtenOff + energy)) < 1e-12)
    // The hour's million output tokens are a quarter of all.
    #expect(abs(bill.purchase!.usdPerMillionOutputTokens! - (writtenOff + energy)) < 1e-12)
    #expect(abs(bill.purchase!.usdPerMillionTokens! - (writtenOff + energy) / 4) < 1e-12)
    #expect(bill.joulesPerMillionOutputTokens == 900_000)
    #expect(bill.joulesPerMillionTokens == 225_000)
    #expect(bill.rent == nil)
    let gpus = try #require(bill.items?.first)
    #expect(gpus.name == "GPU" && gpus.kind == "gpu" && gpus.count == 2)
    #expect(gpus.unitUsd == 1000 && gpus.totalUsd == 2000 && gpus.meanWatts == 200)
    #expect(abs(gpus.usdPerMillionOutputTokens! - (2000 / 8766.0 + 0.2 * 1.5 * 0.2)) < 1e-12)
    #expect(gpus.joulesPerMillionOutputTokens == 720_000)
    #expect(gpus.priceSource == "a list")
    #expect(bill.basis.contains("50.0 %") && bill.basis.contains("times 1.5"))
  }

  @Test("lines sum to what is reported of all")
  func sums() throws {
    let bill = Self.bill(Self.ledger())
    let items = try #require(bill.items)
    let sum = { (value: (SimulationResult.CostReport.Item) -> Double?) in
      items.reduce(0) { $0 + (value($1) ?? .nan) }
    }
    #expect(sum(\.totalUsd) == bill.purchaseUsd)
    #expect(abs(sum(\.writtenOffUsdPerHour) - bill.writtenOffUsdPerHour!) < 1e-12)
    #expect(abs(sum(\.energyUsdPerHour) - bill.energyUsdPerHour!) < 1e-12)
    #expect(
      abs(sum(\.usdPerMillionOutputTokens) - bill.purchase!.usdPerMillionOutputTokens!) < 1e-12)
    #expect(sum(\.joulesPerMillionOutputTokens) == bill.joulesPerMillionOutputTokens)
    #expect(sum(\.meanWatts) == Self.ledger().energyReport(Self.hour).meanWatts)
  }

  @Test("a price that is not known is named and counted nowhere")
  func missing() throws {
    let bill = Self.bill(Self.ledger(cpuPrice: nil))
    #expect(bill.purchaseUsd == 2000)
    #expect(bill.unpricedParts == ["CPU"])
    #expect(bill.basis.contains("the price of CPU is not known"))
    #expect(bill.usdPerHour == nil && bill.purchase == nil)
    let line = try #require(bill.items?.last)
    #expect(line.totalUsd == nil && line.usdPerMillionOutputTokens == nil)
    #expect(line.energyUsdPerHour > 0)
  }

  @Test(
    "the way is the scenario's, or where all is known",
    arguments: [
      (CostBasis.Way.automatic, 500.0 as Double?, 2.0 as Double?, "purchase"),
      (.automatic, nil, 2, "rent"), (.automatic, nil, nil, "purchase"), (.rent, 500, 2, "rent"),
      (.rent, 500, nil, ""), (.purchase, nil, 2, "purchase"),
    ] as [(CostBasis.Way, Double?, Double?, String)])
  func way(way: CostBasis.Way, cpu: Double?, rent: Double?, expected: String) {
    let bill = Self.bill(Self.ledger(cpuPrice: cpu, rent: rent), CostBasis(way: way))
    let bought = bill.purchase?.usdPerHour
    #expect((bought == nil) == (cpu == nil))
    #expect(bill.rent?.usdPerHour == rent)
    switch expected {
    case "purchase": #expect(bill.usdPerHour == bought)
    case "rent": #expect(bill.usdPerHour == rent && bill.basis == "rented")
    default: #expect(bill.usdPerHour == nil && bill.basis == "no rent is known")
    }
  }

  @Test("counts of a part and of machines multiply")
  func counts() throws {
    var ledger = CostLedger()
    ledger.enter(
      Self.part("card", .link, usd: 100, count: 4), machines: 3, watts: 12, joinsNamesake: true)
    ledger.enter(
      Self.part("card", .link, usd: 100, count: 4), machines: 1, watts: 4, joinsNamesake: true)
    let bill = Self.bill(ledger)
    #expect(bill.items?.count == 1)
    #expect(bill.items?.first?.count == 16 && bill.purchaseUsd == 1600)
    #expect(ledger.energyReport(Self.hour).parts.map(\.value) == [16])
  }

  @Test("the engine's books balance")
  func engine() throws {
    var figures = ServingHarness.figures()
    figures.parts.append(Self.part("CPU", .cpu, usd: 400))
    figures.parts.append(Self.part("board", .chassis, usd: 0))
    let configuration = ServingHarness.configuration(
      model: try ServingHarness.model(), figures: figures)
    let result = try ServingHarness.run(configuration)
    #expect(result.cost.purchaseUsd == 2000)
    #expect(result.cost.unpricedParts == [])
    let items = try #require(result.cost.items)
    #expect(abs(items.reduce(0) { $0 + $1.meanWatts } - result.energy.meanWatts) < 1e-9)
    let spent =
      result.cost.purchase!.usdPerHour / 3600 * result.measuredSeconds
      / (result.throughput.outputTokensPerSecond * result.measuredSeconds) * 1e6
    #expect(abs(result.cost.usdPerMillionOutputTokens! - spent) <= spent * 1e-9)
  }

  @Test("a fleet buys every host and pays for what is up")
  func fleet() throws {
    let model = try ServingHarness.model()
    let group = try FleetHarness.group(model: model, replicas: 9)
    let configuration = try FleetHarness.configuration(
      [group], requests: ServingHarness.requests(count: 4))
    let result = try FleetHarness.run(configuration).result
    // Nine replicas of one GPU on hosts of eight take two hosts of one GPU part each.
    #expect(result.cost.items?.first?.count == 2)
    #expect(result.cost.purchaseUsd == 3200)
    let items = try #require(result.cost.items)
    #expect(abs(items.reduce(0) { $0 + $1.meanWatts } - result.energy.meanWatts) < 1e-9)
  }
}
