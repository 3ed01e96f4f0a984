// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Serving

/// Published figures of Petals (arXiv 2312.08361, as a survey repeats them): Llama-2-70B at 2.29 steps/s
/// with round trips below 5 ms and at 1.57 with 100 ms; BLOOM-176B at 0.83 on 14 servers of two
/// continents.
@Suite("Petals")
struct PetalsTests {
  private let near = 2.29
  private let far = 1.57

  /// 80 layers on three servers, the time of a layer chosen so that the near figure is met.
  private func steps(
    servers: Int, relay: WideAreaSettings.Relay, roundTrip: Double, nearRoundTrip: Double
  ) throws -> Double {
    func settings(_ roundTrip: Double, layer: Double) -> WideAreaSettings {
      let each = (0..<servers).map { index in
        WideAreaTests.server(
          index * 80 / servers, (index + 1) * 80 / servers - index * 80 / servers,
          roundTrip: roundTrip, block: layer)
      }
      return WideAreaSettings(
        blocks: 80, activationBytes: 8192 * 2, servers: each, relay: relay)
    }
    func simulated(_ settings: WideAreaSettings) throws -> Double {
      try settings.run(EqualRequests(prompt: 1, output: 129)).stepsPerSecond
    }
    let idle = 1 / (try simulated(settings(nearRoundTrip, layer: 1e-9)))
    let layer = (1 / near - idle) / 80
    let calibrated = try simulated(settings(nearRoundTrip, layer: layer))
    #expect(abs(calibrated - near) < 1e-3)
    return try simulated(settings(roundTrip, layer: layer))
  }

  @Test("the published difference is that of two round trips: three servers that pass on straight")
  func llama() throws {
    // Between "below 5 ms" and none.
    for nearRoundTrip in [0.0001, 0.005] {
      let implied = (1 / far - 1 / near) / (0.1 - nearRoundTrip)
      #expect(implied > 1.99 && implied < 2.12)
      let straight = try steps(
        servers: 3, relay: .servers, roundTrip: 0.1, nearRoundTrip: nearRoundTrip)
      let relayed = try steps(
        servers: 3, relay: .client, roundTrip: 0.1, nearRoundTrip: nearRoundTrip)
      let text = { (value: Double) in "\((value * 1000).rounded() / 1000)" }
      let error = { (value: Double) in "\((value / far * 1000 - 1000).rounded() / 10) %" }
      print(
        "Petals, Llama-2-70B, 100 ms, near round trip \(nearRoundTrip * 1000) ms:"
          + " published \(far) steps/s, \(text(implied)) round trips more;"
          + " three servers straight \(text(straight)) (\(error(straight))), by the client"
          + " \(text(relayed)) (\(error(relayed)))")
      #expect(abs(straight / far - 1) < 0.02)
      // By the client three servers are three round trips, which is not what was published (two would
      // be two, but 70 billion parameters do not fit two of the GPUs with 16 GB that Petals is made for).
      #expect(relayed / far - 1 < -0.1)
      // Nor are two or five servers.
      for servers in [2, 5] {
        let other = try steps(
          servers: servers, relay: .servers, roundTrip: 0.1, nearRoundTrip: nearRoundTrip)
        #expect(abs(other / far - 1) > abs(straight / far - 1) + 0.05)
      }
    }
  }

  /// BLOOM's 70 layers on 14 servers of 5. What they compute and how far they are apart is not
  /// published: with 300 layers a second, what the client of Petals takes of a server that it knows
  /// nothing of, and 18 ms for a hop, the figure follows from round trips of about 96 ms.
  @Test("fourteen servers at 0.83 steps/s lie a plausible distance apart")
  func bloom() throws {
    func simulated(_ roundTrip: Double) throws -> Double {
      let servers = (0..<14).map {
        WideAreaTests.server($0 * 5, 5, roundTrip: roundTrip, block: 1 / 300)
      }
      return try WideAreaSettings(blocks: 70, activationBytes: 14_336 * 2, servers: servers)
        .run(EqualRequests(prompt: 1, output: 33)).stepsPerSecond
    }
    var (low, high) = (0.0, 1.0)
    for _ in 0..<30 {
      let middle = (low + high) / 2
      if try simulated(middle) > 0.83 { low = middle } else { high = middle }
    }
    print(
      "Petals, BLOOM-176B on 14 servers: 0.83 steps/s follow from round trips of"
        + " \((low * 1e4).rounded() / 10) ms (300 layers/s, 18 ms a hop)")
    // Across an ocean and back: 80 to 120 ms.
    #expect(low > 0.08 && low < 0.12)
    #expect(abs(try simulated(low) - 0.83) < 1e-3)
  }
}
