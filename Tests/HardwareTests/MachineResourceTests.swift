// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Testing

@testable import Hardware

@Suite struct MachineResourceTests {
  @Test func desktopHasTheResourcesOfItsParts() throws {
    let machine = try shipped.machine("rtx-4090-desktop")
    #expect(
      machine.resources.map(\.name) == [
        "gpu0.compute", "gpu0.hbm", "gpu0.memory", "gpu0.h2d", "gpu0.d2h", "gpu0.link",
        "host.cpu", "host.dram", "host.memory", "host.staging", "ssd0", "ssd0.read",
        "ssd0.write", "ssd0.space",
      ])
    let engine = try #require(machine.resource(.hostToDevice, of: .gpu(0)))
    #expect(engine.kind == .server(units: 1))
    #expect(engine.rate == 23.9e9)
    #expect(engine.latency == 0.8e-6)
    #expect(engine.perOperation == 5.2e-6)
    let link = try #require(machine.resource(.linkTotal, of: .gpu(0)))
    guard case .bandwidth(let total) = link.kind else {
      Issue.record("a total is a bandwidth")
      return
    }
    #expect(abs(total - 2 * 0.72 * 23.9e9) < 1)
    #expect(machine.resource(.lanes, of: .drive(0))?.kind == .server(units: 70))
    #expect(machine.resource(.compute, of: .host)?.kind == .server(units: 24))
    #expect(machine.resource(.compute, of: .gpu(1)) == nil)
    guard case .pool(let bytes)? = machine.resource(.memoryPool, of: .gpu(0))?.kind else {
      Issue.record("memory is a pool")
      return
    }
    #expect(bytes == (24 << 30) - 551_000_000)
  }

  @Test func unifiedMemoryIsOnePool() throws {
    let machine = try shipped.machine("jetson-agx-orin")
    let names = machine.resources.map(\.name)
    #expect(!names.contains("gpu0.hbm") && !names.contains("gpu0.memory"))
    #expect(!names.contains("gpu0.h2d"))
    #expect(machine.resource(.memoryPool, of: .gpu(0))?.name == "host.memory")
    #expect(machine.resource(.memoryBandwidth, of: .gpu(0))?.name == "host.dram")
    #expect(machine.resource(.hostToDevice, of: .gpu(0)) == nil)
  }

  @Test func eightGPUsHavePeersAndNetwork() throws {
    let machine = try shipped.machine("h100-sxm-server")
    #expect(machine.resource(.peerOut, of: .gpu(7))?.kind == .bandwidth(bytesPerSecond: 371.5e9))
    #expect(machine.resource(.networkIn, of: .host)?.name == "network.in")
    #expect(machine.resources.filter { $0.role == .hostToDevice }.count == 8)
  }

  @Test func halfDuplexLinksHaveOneEngine() throws {
    let yaml = box.replacing("memory: {capacity: 48 GiB}", with: "host_link: {full_duplex: false}")
    let machine = try machine(yaml)
    let names = machine.resources.map(\.name)
    #expect(names.contains("gpu0.link") && !names.contains("gpu0.h2d"))
    #expect(
      machine.resource(.deviceToHost, of: .gpu(0)) == machine.resource(.hostToDevice, of: .gpu(0)))
  }

  @Test func copiesTakeLatencyAndBytes() throws {
    let link = try #require(try shipped.machine("a6000-workstation").gpus[0].hostLink)
    // LayerScope: one Mixtral expert of 352.3 MB takes 13.98 ms over Gen4.
    #expect(abs(link.seconds(bytes: 352_300_000) - 13.98e-3) < 0.02e-3)
  }
}
