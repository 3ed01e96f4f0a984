// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel
import Testing

@testable import Serving

@Suite("Servers that leave a wide-area pipeline")
struct WideAreaFailureTests {
  typealias Common = WideAreaTests

  private func settings(
    _ entries: [FailureSettings.Entry], spare: Bool = true,
    relay: WideAreaSettings.Relay = .servers
  ) -> WideAreaSettings {
    // The spare is slower, so that nobody takes it of their own accord.
    let servers = Common.three + (spare ? [Common.server(27, 27, block: 0.006)] : [])
    var settings = Common.settings(servers, relay: relay)
    settings.failures = FailureSettings(entries)
    return settings
  }

  private func leaves(_ server: Int, at: Double, for length: Double? = nil) -> FailureSettings.Entry
  {
    .init(.part(.server, server), .once(atSeconds: at, forSeconds: length))
  }

  @Test("a failover costs its notice and the replay of what the server had been sent")
  func cost() throws {
    let output: Int32 = 60
    let plain = try settings([]).run(EqualRequests(prompt: 10, output: output))
    // Server 1 leaves in the middle of a run: the step under way meets it, or the next one does.
    let at = 12.0
    let struck = try settings([leaves(1, at: at)]).run(EqualRequests(prompt: 10, output: output))
    #expect(struck.failovers == 1 && struck.completed == 1 && struck.outputTokens == 60)
    let failover = try #require(struck.failover)
    #expect(failover.count == 1)
    // Afterwards each step takes 27 layers of 2 ms longer. Tokens before the failure follow from the
    // undisturbed run: the first after ttft, the others a step apart.
    let ttft = try #require(plain.timeToFirstToken).mean * 1e-3
    let step = try #require(plain.timePerOutputToken).mean * 1e-3
    let done = Int(((at - ttft) / step).rounded(.down)) + 1
    let position = 10 + done - 1
    #expect(struck.replayedTokens == position)
    // The notice, the inputs of all tokens but this one's from the client, their computation.
    let tokens = Double(position + 1)
    let replay =
      1 + 0.05 + tokens * 16_384 / 12.5e6 + 0.018 + 27 * (0.006 + (tokens - 1) * 0.006 / 20)
    #expect(abs(failover.mean * 1e-3 - replay) < 100e-9)
    let slower = Double(Int(output) - done - 1) * 27 * 0.002
    let (before, after) = (
      try #require(plain.endToEnd).mean * 1e-3, try #require(struck.endToEnd).mean * 1e-3
    )
    // What is left is the part of the step that was lost: at most one step.
    let rest = after - before - replay - slower
    #expect(rest > -step && rest < step)
  }

  @Test("with nobody in its place requests wait until it returns, having forgotten them")
  func stranded() throws {
    for relay in WideAreaSettings.Relay.allCases {
      let struck = try settings([leaves(1, at: 12, for: 100)], spare: false, relay: relay).run(
        EqualRequests(prompt: 10, output: 60))
      #expect(struck.completed == 1 && struck.failovers == 1 && struck.unfinished == 0)
      // From the notice to the return.
      #expect(struck.strandedSeconds > 98 && struck.strandedSeconds < 100)
      #expect(struck.replayedTokens > 10)
    }
    let lost = try settings([leaves(1, at: 12)], spare: false).run(
      EqualRequests(prompt: 10, output: 60))
    #expect(lost.arrived == 1 && lost.completed == 0 && lost.unfinished == 1)
    let absent = try settings([leaves(1, at: 0, for: 5)], spare: false).run(
      EqualRequests(prompt: 10, output: 60))
    #expect(absent.completed == 1 && absent.failovers == 0 && absent.strandedSeconds == 5)
  }

  @Test("a server that slows down takes longer, and forgets nothing")
  func degraded() throws {
    let entry = FailureSettings.Entry(
      .part(.server, 2), .once(atSeconds: 0, forSeconds: nil), factor: 0.5)
    let plain = try settings([]).run(EqualRequests(prompt: 1, output: 40))
    let slow = try settings([entry]).run(EqualRequests(prompt: 1, output: 40))
    let difference =
      try #require(slow.timePerOutputToken).mean - (try #require(plain.timePerOutputToken).mean)
    #expect(abs(difference - 26 * 4) < 1e-4)
    #expect(slow.failovers == 0)
  }

  @Test("under churn the books balance, and the same seed gives the same", arguments: [1, 2, 3])
  func churn(seed: UInt64) throws {
    let servers = (0..<12).map {
      Common.server($0 / 3 * 20, 20, roundTrip: 0.02 + Double($0) * 0.01)
    }
    var settings = Common.settings(servers)
    settings.failures = FailureSettings([
      .init(.every(.server), .random(meanBetweenSeconds: 120, meanRepairSeconds: 60))
    ])
    let workload = EqualRequests(users: 6, requestsEach: 10, prompt: 64, output: 40)
    let one = try settings.run(workload, seed: seed)
    let two = try settings.run(workload, seed: seed)
    #expect(one.durationSeconds == two.durationSeconds && one.failovers == two.failovers)
    #expect(one.arrived == 60 && one.completed == 60 && one.unfinished == 0)
    #expect(one.outputTokens == 60 * 40 && one.failovers > 5)
    #expect(one.utilisation.allSatisfy { $0 >= 0 && $0 <= 1 })
    let calm = {
      var calm = settings; calm.failures = FailureSettings(); return calm
    }()
    #expect(try calm.run(workload, seed: seed).durationSeconds < one.durationSeconds)
    // A run that is cut short says what was under way.
    let cut = try settings.run(workload, seed: seed, until: SimulatedTime(seconds: 60))
    #expect(abs(cut.durationSeconds - 60) < 1e-9 && cut.arrived == cut.completed + cut.unfinished)
    #expect(cut.unfinished == 6)
  }
}
