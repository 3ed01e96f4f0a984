// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors
import Testing

@testable import Serving

@Suite struct RunHistoryTests {
  /// The tokens that the windows of a rate have in all.
  private func sum(_ history: RunHistory, _ rate: String) throws -> Double {
    let values = try #require(history.rates[rate])
    var begin = history.beginSeconds
    var total = 0.0
    for (value, end) in zip(values, history.endSeconds) {
      total += (value ?? 0) * (end - begin)
      begin = end
    }
    return total
  }

  private func bytes(_ result: SimulationResult) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return try encoder.encode(result)
  }

  private func check(_ history: RunHistory, windows: Int, end: Double) {
    #expect((2...windows).contains(history.endSeconds.count))
    #expect(zip(history.endSeconds, history.endSeconds.dropFirst()).allSatisfy { $0 < $1 })
    #expect(history.endSeconds.last == end)
    for (name, values) in history.busy {
      #expect(values.count == history.endSeconds.count, "\(name)")
      #expect(values.allSatisfy { (0...1).contains($0) }, "\(name)")
    }
    for values in history.levels.values { #expect(values.count == history.endSeconds.count) }
    for values in history.rates.values { #expect(values.count == history.endSeconds.count) }
    let quantiles = history.quantiles
    #expect(quantiles.tpotMs != nil)
    for case let values? in [
      quantiles.ttftMs, quantiles.tpotMs, quantiles.itlMs, quantiles.e2elMs, quantiles.queueMs,
    ] {
      #expect(values.count == quantiles.shares.count && values == values.sorted())
    }
  }

  @Test(arguments: [2, 7, 120], [RunOptions.WarmUp.none, .requests(4)])
  func `Windows of an engine add up to the run, and change nothing of it`(
    windows: Int, warmUp: RunOptions.WarmUp
  ) throws {
    let model = try ServingHarness.model()
    var configuration = ServingHarness.configuration(
      model: model, cache: CacheConfiguration(experts: .share(0.5)),
      run: RunOptions(warmUp: warmUp),
      requests: ServingHarness.requests(count: 12, prompt: 64, output: 40, gapSeconds: 0.05))
    let plain = try ServingHarness.run(configuration)
    configuration.run.historyWindows = windows
    var told = try ServingHarness.run(configuration)
    let history = try #require(told.history)
    check(history, windows: windows, end: plain.simulatedSeconds)
    // Warm-up and measured time together, by what requests asked for.
    #expect(abs(try sum(history, "output tokens") - 12 * 40) < 1e-6)
    #expect(abs(try sum(history, "prompt tokens") - 12 * 64) < 1e-6)
    let hits = try #require(history.rates["hit rate"]).compactMap { $0 }
    #expect(hits.allSatisfy { (0...1).contains($0) } && !hits.isEmpty)
    if warmUp == .none {
      let busy = try #require(history.busy["gpu0.compute"])
      var begin = history.beginSeconds
      var seconds = 0.0
      for (share, end) in zip(busy, history.endSeconds) {
        seconds += share * (end - begin)
        begin = end
      }
      let resource = try #require(plain.resources.first { $0.name == "gpu0.compute" })
      #expect(abs(seconds - resource.busySeconds) < 1e-6)
    } else {
      #expect(history.measuredFromSeconds > 0)
    }
    told.history = nil
    #expect(try bytes(told) == bytes(plain))
  }

  @Test func `Windows of a fleet add up to the run, and change nothing of it`() throws {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 30, prompt: 100, output: 20, gapSeconds: 0.002)
    let group = try FleetHarness.group(model: model, replicas: 2)
    var configuration = try FleetHarness.configuration([group], requests: requests)
    let plain = try FleetHarness.run(configuration).result
    configuration.run.historyWindows = 16
    var told = try FleetHarness.run(configuration).result
    let history = try #require(told.history)
    check(history, windows: 16, end: plain.simulatedSeconds)
    #expect(abs(try sum(history, "output tokens") - 30 * 20) < 1e-6)
    #expect(history.levels["replicas up"]?.allSatisfy { $0 == 2 } == true)
    told.history = nil
    #expect(try bytes(told) == bytes(plain))
  }
}
