// SPDX-License-Identifier: GPL-3.0-or-later

/// One line of a machine's bill of materials: a part that is bought and powered.
public struct BillItem: Hashable, Sendable {
  /// What kind of part it is.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// A graphics processor or another accelerator.
    case gpu
    /// Processors.
    case cpu
    /// Host memory.
    case dram
    /// A memory that computes.
    case nearData = "near-data"
    /// A drive.
    case ssd
    /// Cards, switches and cables of a link.
    case link
    /// Board, case, supply, fans.
    case chassis
  }

  /// What a link is between.
  public enum Link: Hashable, Sendable {
    /// A GPU and the host; the GPU's number.
    case host(gpu: Int)
    /// A GPU and its peers; the GPU's number.
    case peers(gpu: Int)
    /// The host and others.
    case network
  }

  /// The part's name.
  public var name: String
  /// What it is.
  public var kind: Kind
  /// Of a link, what it is between.
  public var link: Link?
  /// How many of it there are.
  public var count: Int
  /// What one costs [USD]; `nil` where nobody says.
  public var unitPrice: Double?
  /// Where the price is from, an assumption marked as one; empty without a price.
  public var priceSource: String
  /// What one draws when idle [W].
  public var idleWatts: Double
  /// What one draws when fully busy [W].
  public var fullWatts: Double
}

extension MachineProfile {
  /// Every part that is bought or powered: GPUs one by one, processors, memory of all sockets, drives one by
  /// one, the chassis, and those links that have a price or a power beside the devices at their
  /// ends.
  public var billOfMaterials: [BillItem] {
    var items = gpus.map {
      BillItem($0.name, .gpu, price: $0.purchasePrice, power: $0.power)
    }
    // The profile's figures are of all sockets.
    var processor = BillItem(cpu.name, .cpu, price: cpu.purchasePrice, power: cpu.power)
    let sockets = Double(cpu.sockets)
    processor.count = cpu.sockets
    processor.unitPrice = processor.unitPrice.map { $0 / sockets }
    processor.idleWatts /= sockets
    processor.fullWatts /= sockets
    items.append(processor)
    var memory = BillItem(dram.name, .dram, price: dram.pricePerByte, power: nil)
    memory.unitPrice = dram.purchasePrice
    memory.idleWatts = dram.standbyWatts
    memory.fullWatts =
      dram.standbyWatts + dram.energyPerByte.nominal * dram.bandwidth.effective
    items.append(memory)
    if let nearData {
      items.append(
        BillItem(
          nearData.name, .nearData, price: nearData.purchasePrice, power: nearData.power))
    }
    items += drives.map { BillItem($0.name, .ssd, price: $0.purchasePrice, power: $0.power) }
    items.append(
      BillItem(chassis.name, .chassis, price: chassis.purchasePrice, power: chassis.power))
    return items + billOfLinks
  }

  private var billOfLinks: [BillItem] {
    var items: [BillItem] = []
    let add = { (profile: LinkProfile?, link: BillItem.Link, count: Int) in
      guard let profile, profile.power != nil || profile.purchasePrice != nil else { return }
      var item = BillItem(
        profile.name, .link, price: profile.purchasePrice, power: profile.power)
      item.link = link
      item.count = count
      items.append(item)
    }
    for (index, gpu) in gpus.enumerated() {
      add(gpu.hostLink, .host(gpu: index), 1)
      add(gpu.peerLink, .peers(gpu: index), 1)
    }
    add(network, .network, Int(topology.networkCards?.nominal ?? 1))
    return items
  }
}

extension BillItem {
  init(_ name: String, _ kind: Kind, price: Figure?, power: PowerProfile?) {
    self.name = name
    self.kind = kind
    count = 1
    unitPrice = price?.nominal
    priceSource = price.map { ($0.isAssumption ? "assumption: " : "") + $0.source } ?? ""
    idleWatts = power?.idle.nominal ?? 0
    fullWatts = power?.full.nominal ?? 0
  }
}
