// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Testing

@testable import Serving

@Suite("Near-data devices")
struct NearDataTests {
  @Test("fetches and near-data computing share the device's memory, and leave the host's alone")
  func sharing() throws {
    let run = { (bandwidth: Double?) in
      var configuration = try TransferTests.configuration(slots: 0, prompt: [[4, 5]])
      configuration.figures.nearDataBandwidth = bandwidth
      configuration.policy.resolve = HotColdResolve()
      configuration.hostTiming = ServingHarness.timing()
      return try ServingHarness.run(configuration)
    }
    let near = try run(12e9)
    #expect(near.resolve?.computedOnHost == 1 && near.expertCache.misses == 1)
    #expect(near.utilization["neardata.compute"] != nil)
    #expect(near.utilization["neardata.memory"] != nil && near.utilization["host.dram"] == nil)
    #expect(near.memory.contains { $0.name == "neardata.memory" })
    let host = try run(nil)
    #expect(host.utilization["host.compute"] != nil && host.utilization["neardata.memory"] == nil)
    // Host memory of 60 GB/s serves both faster than one of 12 GB/s.
    #expect(host.simulatedSeconds < near.simulatedSeconds)
    #expect(try run(200e9).simulatedSeconds < near.simulatedSeconds)
  }
}
