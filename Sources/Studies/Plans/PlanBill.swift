// SPDX-License-Identifier: GPL-3.0-or-later

import Serving

/// What a plan consists of, what it costs and draws.
public struct PlanBill: Codable, Sendable, Hashable {
  /// One part.
  public struct Item: Codable, Sendable, Hashable {
    /// The part.
    public var name: String
    /// How many.
    public var count: Int
    /// The price of each [USD]; `nil` where nobody says.
    public var usdEach: Double?
    /// The power of each at full load [W].
    public var wattsEach: Double

    /// The price of all [USD].
    public var usd: Double? { usdEach.map { $0 * Double(count) } }
  }

  /// The parts.
  public var items: [Item] = []
  /// Hosts.
  public var hosts = 0
  /// The purchase of everything [USD]; `nil` where a part has no price.
  public var purchaseUsd: Double? = 0
  /// The rent of everything [USD/h]; `nil` where a machine has none.
  public var rentUsdPerHour: Double? = 0
  /// The power of everything at full load [W].
  public var fullWatts = 0.0
  /// Rack units of everything; `nil` where the plan does not say.
  public var rackUnits: Int? = 0
  /// Who makes the machines; `nil` where the plan does not say.
  public var vendor: String?

  /// A bill of nothing.
  init() {}

  /// The bill of so many machines.
  init(_ figures: MachineFigures, hosts: Int, machine: PlanMachine) {
    self.hosts = hosts
    vendor = machine.vendor
    rackUnits = machine.rackUnits.map { $0 * hosts }
    rentUsdPerHour = figures.rentUSDPerHour.map { $0 * Double(hosts) }
    for part in figures.parts {
      add(
        Item(
          name: part.name, count: hosts * part.count, usdEach: part.purchaseUSD,
          wattsEach: part.fullWatts))
    }
    fullWatts = items.reduce(0) { $0 + $1.wattsEach * Double($1.count) }
    purchaseUsd = items.reduce(Optional(0)) { sum, item in
      sum.flatMap { known in item.usd.map { known + $0 } }
    }
  }

  private mutating func add(_ item: Item) {
    if let index = items.firstIndex(where: {
      $0.name == item.name && $0.usdEach == item.usdEach && $0.wattsEach == item.wattsEach
    }) {
      items[index].count += item.count
    } else {
      items.append(item)
    }
  }

  /// Adds what stands on another bill.
  mutating func add(_ other: PlanBill) {
    for item in other.items { add(item) }
    hosts += other.hosts
    fullWatts += other.fullWatts
    vendor = other.vendor
    purchaseUsd = purchaseUsd.flatMap { own in other.purchaseUsd.map { own + $0 } }
    rentUsdPerHour = rentUsdPerHour.flatMap { own in other.rentUsdPerHour.map { own + $0 } }
    rackUnits = rackUnits.flatMap { own in other.rackUnits.map { own + $0 } }
  }

  /// What of it is beyond limits, as multiples of them: the most first.
  func excess(over limits: PlanLimits) -> [PlanExclusion] {
    var all: [PlanExclusion] = []
    func check(_ name: String, _ needed: Double?, _ allowed: Double?, _ unit: String) {
      guard let allowed else { return }
      guard let needed else {
        all.append(
          PlanExclusion(
            kind: .limit(name), reason: "no figure of it is known", needed: .infinity,
            allowed: allowed, unit: unit))
        return
      }
      guard needed > allowed else { return }
      all.append(
        PlanExclusion(
          kind: .limit(name), reason: "", needed: needed, allowed: allowed, unit: unit))
    }
    check("budget", purchaseUsd, limits.budget, "USD")
    check("budget_per_hour", rentUsdPerHour, limits.budgetPerHour, "USD/h")
    check("power", fullWatts, limits.power, "W")
    check("rack_units", rackUnits.map(Double.init), limits.rackUnits.map(Double.init), "U")
    if let vendors = limits.vendors,
      !vendors.contains(where: { $0.lowercased() == vendor?.lowercased() })
    {
      all.append(
        PlanExclusion(
          kind: .limit("vendors"),
          reason:
            "\(vendor ?? "an unknown vendor") is not among \(vendors.joined(separator: ", "))",
          needed: .infinity, allowed: 1, unit: ""))
    }
    return all.enumerated().sorted {
      ($0.element.ratio, -Double($0.offset)) > ($1.element.ratio, -Double($1.offset))
    }.map(\.element)
  }
}
