// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import SimulationKernel
import Testing
import Workload

@testable import Serving

/// Users of a closed loop who ask for the same each time and do not think.
struct EqualRequests: RequestSource {
  let userCount: Int
  let requestsEach: Int
  let prompt: Int32
  let output: Int32
  private var sent: [Int]

  init(users: Int = 1, requestsEach: Int = 1, prompt: Int32, output: Int32) {
    userCount = users
    self.requestsEach = requestsEach
    self.prompt = prompt
    self.output = output
    sent = Array(repeating: 0, count: users)
  }

  var isClosedLoop: Bool { true }
  var notices: [String] { [] }
  mutating func next() throws -> Request? { nil }
  mutating func next(user: Int, afterNanoseconds: UInt64) throws -> Request? {
    guard sent[user] < requestsEach else { return nil }
    sent[user] += 1
    return Request(
      number: UInt64((sent[user] - 1) * userCount + user), arrivalNanoseconds: afterNanoseconds,
      promptTokens: prompt, outputTokens: output, user: Int32(user))
  }
}

@Suite("Pipelines over a wide-area network")
struct WideAreaTests {
  static func server(
    _ first: Int, _ count: Int, roundTrip: Double = 0.1, block: Double = 0.004,
    bandwidth: Double = 12.5e6
  ) -> WideAreaSettings.Server {
    WideAreaSettings.Server(
      firstBlock: first, blockCount: count, roundTripSeconds: roundTrip, bandwidth: bandwidth,
      blockSeconds: block, furtherTokenSeconds: block / 20)
  }

  static let three = [server(0, 27), server(27, 27), server(54, 26)]

  static func settings(
    _ servers: [WideAreaSettings.Server] = three, relay: WideAreaSettings.Relay = .servers,
    blocks: Int = 80
  ) -> WideAreaSettings {
    WideAreaSettings(
      blocks: blocks, activationBytes: 16_384, servers: servers, relay: relay,
      clientSeconds: 0.005)
  }

  @Test("a client alone takes the sum of trips, transfers, overheads and layers")
  func alone() throws {
    let wire = 16_384 / 12.5e6
    let compute = 80 * 0.004 + 3 * 0.018 + 0.005
    // Three servers: four one-way trips straight, six by way of the client.
    let straight = compute + 4 * (0.05 + wire)
    let relayed = compute + 6 * (0.05 + wire)
    for (relay, step) in [(WideAreaSettings.Relay.servers, straight), (.client, relayed)] {
      let result = try Self.settings(relay: relay).run(EqualRequests(prompt: 1, output: 51))
      let measured = try #require(result.timePerOutputToken).mean * 1e-3
      // A dozen roundings to nanoseconds a step.
      #expect(abs(measured - step) < 20e-9, "\(relay)")
      #expect(abs(result.stepsPerSecond - 1 / step) < 1e-6)
      #expect(abs(try #require(result.timeToFirstToken).mean * 1e-3 - (step - 0.005)) < 20e-9)
      #expect(result.arrived == 1 && result.completed == 1 && result.outputTokens == 51)
      #expect(result.failovers == 0 && result.unfinished == 0)
    }
  }

  @Test("a prompt is computed at once")
  func prompt() throws {
    let result = try Self.settings().run(EqualRequests(prompt: 201, output: 1))
    let wire = 201 * 16_384 / 12.5e6
    let layers = 80 * (0.004 + 200 * 0.0002)
    let expected = 4 * (0.05 + wire) + 3 * 0.018 + layers
    #expect(abs(try #require(result.timeToFirstToken).mean * 1e-3 - expected) < 20e-9)
    #expect(result.stepsPerSecond == 0 && result.timePerOutputToken == nil)
  }

  @Test("with many clients the slowest server is the limit")
  func saturation() throws {
    let servers = [Self.server(0, 4), Self.server(4, 12), Self.server(16, 4)]
    let settings = Self.settings(servers, blocks: 20)
    let result = try settings.run(
      EqualRequests(users: 40, requestsEach: 3, prompt: 1, output: 50))
    // 12 layers of 4 ms: at most 20.83 steps a second; idle at the beginning and the end.
    let limit = 1 / (12 * 0.004)
    #expect(result.tokensPerSecond < limit && result.tokensPerSecond > 0.98 * limit)
    #expect(result.utilisation[1] > 0.98 && result.utilisation[1] <= 1)
    #expect(abs(result.utilisation[0] - result.utilisation[1] / 3) < 1e-6)
    #expect(result.completed == 120 && result.outputTokens == 6000)
  }

  /// Every chain, by trying all servers for each layer.
  private func exhaustive(_ settings: WideAreaSettings, up: [Bool]) -> Double? {
    func best(from block: Int, at server: Int?) -> Double? {
      guard block < settings.blocks else { return settings.hopSeconds(from: server, to: nil) }
      var least: Double?
      for next in settings.servers.indices where up[next] {
        let held = settings.servers[next]
        guard held.firstBlock <= block, block < held.endBlock,
          let rest = best(from: block + 1, at: next)
        else { continue }
        let cost = settings.hopSeconds(from: server, to: next) + held.blockSeconds + rest
        least = min(least ?? .infinity, cost)
      }
      return least
    }
    return best(from: 0, at: nil)
  }

  @Test("chains are the fastest of all", arguments: 0..<60 as Range<UInt64>)
  func routes(number: UInt64) {
    var random = RandomStream(seed: 1, replication: 0, purpose: .testing, entity: number)
    let blocks = 6
    let servers = (0..<5).map { _ in
      let first = random.uniformInt(below: blocks)
      return Self.server(
        first, 1 + random.uniformInt(below: blocks - first),
        roundTrip: random.uniform() * 0.2, block: random.uniform() * 0.1,
        bandwidth: 1e5 + random.uniform() * 1e6)
    }
    var settings = Self.settings(
      servers, relay: number % 2 == 0 ? .servers : .client, blocks: blocks)
    if number % 3 == 0 { settings.serverRoundTripSeconds = 0.3 }
    let up = servers.map { _ in random.bernoulli(0.9) }
    let route = WideAreaRoute.fastest(settings, blocks: 0..<blocks, isUp: { up[$0] })
    let expected = exhaustive(settings, up: up)
    #expect((route == nil) == (expected == nil))
    guard let route, let expected else { return }
    #expect(abs(route.seconds - expected) < 1e-12)
    var cost = 0.0
    var place: Int?
    var block = 0
    for segment in route.segments {
      let held = settings.servers[segment.server]
      #expect(segment.first == block && segment.end <= held.endBlock && up[segment.server])
      cost +=
        settings.hopSeconds(from: place, to: segment.server)
        + held.computeSeconds(blocks: segment.end - segment.first, tokens: 1)
      (place, block) = (segment.server, segment.end)
    }
    #expect(block == blocks)
    #expect(abs(cost + settings.hopSeconds(from: place, to: nil) - expected) < 1e-12)
  }

  @Test("servers must hold the model")
  func problems() {
    var settings = Self.settings([Self.server(0, 27), Self.server(28, 52)])
    #expect(
      settings.problem == "no server holds layer 27; together they must hold layers 0 to 79")
    settings.servers[0].blockCount = 81
    #expect(
      settings.problem == "server 0 holds layers 0 to 80; the model has layers 0 to 79")
    #expect(throws: WideAreaProblem.self) {
      try settings.run(EqualRequests(prompt: 1, output: 1))
    }
  }
}
