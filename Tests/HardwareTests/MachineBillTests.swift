// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import Testing

@Suite("Bill of materials")
struct MachineBillTests {
  @Test("lists every part with its price's source")
  func parts() throws {
    let bill = try machine(box).billOfMaterials
    #expect(bill.map(\.kind) == [.gpu, .gpu, .cpu, .dram, .ssd, .chassis])
    let gpu = try #require(bill.first)
    #expect(gpu.unitPrice == 1599 && gpu.priceSource.contains("hothardware"))
    let memory = try #require(bill.first { $0.kind == .dram })
    #expect(memory.unitPrice == 64 * 5 && memory.priceSource.hasPrefix("assumption: "))
  }

  @Test("a price may be left out, and adds nothing")
  func missing() throws {
    let whole = try machine(box)
    let bare = box.replacing(
      "chassis: {part: desktop}",
      with: "chassis: {name: open air, power: {idle: 5 W, full: 9 W}}")
    let open = try machine(bare)
    let chassis = try #require(open.billOfMaterials.last)
    #expect(chassis.name == "open air" && chassis.unitPrice == nil && chassis.priceSource.isEmpty)
    #expect(abs(whole.purchasePrice - open.purchasePrice - 650) < 1e-9)
    #expect(abs(open.idleWatts - (whole.idleWatts - 30)) < 1e-9)
  }

  @Test("links with a price or a power have lines, one for each card")
  func links() throws {
    let text = """
      base: h100-sxm-server
      name: wired
      network: {part: cx7-400g, price: 1500 USD, power: {idle: 15 W, full: 25 W}}
      """
    let bare = try shipped.machine("h100-sxm-server")
    let wired = try machine(text)
    let card = try #require(wired.billOfMaterials.last)
    #expect(card.kind == .link && card.link == .network && card.count == 8)
    #expect(!bare.billOfMaterials.contains { $0.kind == .link })
    #expect(wired.purchasePrice - bare.purchasePrice == 8 * 1500)
    #expect(abs(wired.fullWatts - bare.fullWatts - 8 * 25) < 1e-9)
  }

  @Test("counts processors, each with its price and power")
  func sockets() throws {
    let server = try shipped.machine("h100-sxm-server")
    let processors = try #require(server.billOfMaterials.first { $0.kind == .cpu })
    #expect(processors.count == 2 && processors.unitPrice == 10710)
    #expect(processors.fullWatts * 2 == server.cpu.power.full.nominal)
  }

  @Test("refuses a link's power that makes no sense")
  func refusal() {
    let text = box + "\nnetwork: {part: cx7-400g, power: {idle: 30 W, full: 20 W}}"
    #expect(problems(text).contains { $0.contains("below idle") })
  }
}
