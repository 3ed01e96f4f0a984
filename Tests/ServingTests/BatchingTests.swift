// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies
import Routing
import Testing
import Workload

@testable import Serving

/// A closed loop of users who ask again at once.
struct BusyUsers: RequestSource {
  let userCount: Int
  let requestsEach: Int
  private var sent: [Int]
  init(userCount: Int, requestsEach: Int) {
    self.userCount = userCount
    self.requestsEach = requestsEach
    sent = [Int](repeating: 0, count: userCount)
  }
  var isClosedLoop: Bool { true }
  var notices: [String] { [] }
  mutating func next() throws -> Request? { nil }
  mutating func next(user: Int, afterNanoseconds: UInt64) throws -> Request? {
    guard sent[user] < requestsEach else { return nil }
    sent[user] += 1
    return Request(
      number: UInt64(sent[user] * userCount + user), arrivalNanoseconds: afterNanoseconds,
      promptTokens: 20, outputTokens: 10, user: Int32(user))
  }
}

/// Keeps what a run tells of its requests and slices.
struct RecordingSink: TimelineSink {
  struct Served {
    var number: UInt64
    var arrival: UInt64
    var scheduled: UInt64
    var firstToken: UInt64
    var end: UInt64
  }
  var tracks: [TimelineTrack] = []
  var slices: [TimelineSlice] = []
  var requests: [Served] = []
  mutating func begin(tracks: [TimelineTrack]) { self.tracks = tracks }
  mutating func slice(_ slice: TimelineSlice) { slices.append(slice) }
  mutating func request(
    number: UInt64, arrival: UInt64, scheduled: UInt64, firstToken: UInt64, end: UInt64
  ) {
    requests.append(
      Served(
        number: number, arrival: arrival, scheduled: scheduled, firstToken: firstToken, end: end))
  }
  mutating func counter(track: String, name: String, nanoseconds: UInt64, value: Double) {}

  /// Runs a configuration and returns what was recorded of it.
  static func record(
    _ configuration: ServingConfiguration
  ) throws -> (result: SimulationResult, sink: RecordingSink) {
    let run = try ServingSimulation.run(configuration, timeline: RecordingSink())
    return (run.result, run.timeline as! RecordingSink)
  }
}

@Suite("Batching")
struct BatchingTests {
  static func configuration(
    requests: [Request], sequences: Int = 4, budget: Int = 64, chunked: Bool = true,
    keyValue: CacheConfiguration.KeyValueCapacity = .automatic
  ) throws -> ServingConfiguration {
    ServingHarness.configuration(
      model: try ServingHarness.model(),
      cache: CacheConfiguration(experts: .all, keyValue: keyValue),
      limits: BatchLimits(
        maximumSequences: sequences, tokenBudget: budget, chunkedPrefill: chunked),
      requests: requests)
  }

  @Test("a prompt takes as many steps as its chunks", arguments: [1, 63, 64, 65, 200])
  func chunks(prompt: Int) throws {
    let requests = ServingHarness.requests(count: 1, prompt: Int32(prompt), output: 5)
    let chunked = try ServingHarness.run(Self.configuration(requests: requests))
    #expect(Int(chunked.steps) == (prompt + 63) / 64 + 4)
    let whole = try ServingHarness.run(Self.configuration(requests: requests, chunked: false))
    #expect(whole.steps == 5)
    if prompt > 64 { #expect(whole.ttftMs!.mean < chunked.ttftMs!.mean) }
  }

  @Test("decoding goes on beside a long prompt in chunks, and waits for a whole one")
  func decodingBesidePrompts() throws {
    let requests = [
      Request(number: 0, arrivalNanoseconds: 0, promptTokens: 8, outputTokens: 100),
      Request(number: 1, arrivalNanoseconds: 5_000_000, promptTokens: 3000, outputTokens: 2),
    ]
    let chunked = try ServingHarness.run(Self.configuration(requests: requests))
    let whole = try ServingHarness.run(
      Self.configuration(requests: requests, budget: 4096, chunked: false))
    #expect(whole.itlMs!.max > 3 * chunked.itlMs!.max)
    // One larger than the whole budget waits until it is alone.
    let alone = try RecordingSink.record(
      Self.configuration(requests: requests, chunked: false))
    #expect(alone.result.requests.completed == 2)
    #expect(alone.sink.requests[1].scheduled == alone.sink.requests[0].end)
  }

  @Test("requests are scheduled in order of arrival", arguments: [1, 2, 5], [true, false])
  func order(sequences: Int, chunked: Bool) throws {
    var random = SplitMix(3)
    let requests = (0..<20).map {
      Request(
        number: UInt64($0), arrivalNanoseconds: UInt64($0) * 200_000,
        promptTokens: Int32(1 + random.next() % 90), outputTokens: Int32(1 + random.next() % 20))
    }
    let run = try RecordingSink.record(
      Self.configuration(requests: requests, sequences: sequences, chunked: chunked))
    #expect(run.sink.requests.count == 20)
    let byNumber = run.sink.requests.sorted { $0.number < $1.number }
    for (earlier, later) in zip(byNumber, byNumber.dropFirst()) {
      #expect(earlier.scheduled <= later.scheduled)
    }
    for served in byNumber {
      #expect(served.arrival == requests[Int(served.number)].arrivalNanoseconds)
      #expect(served.arrival <= served.scheduled && served.scheduled < served.firstToken)
      #expect(served.firstToken <= served.end)
    }
    // Never more at once than the batch holds.
    for served in byNumber {
      let atOnce = byNumber.filter {
        $0.scheduled <= served.scheduled && served.scheduled < $0.end
      }
      #expect(atOnce.count <= sequences)
    }
    // Inter-token latencies are as many and as long as the time after the first tokens.
    let later = byNumber.reduce(0.0) { $0 + Double($1.end - $1.firstToken) } * 1e-6
    let gaps = requests.reduce(0) { $0 + Int($1.outputTokens) - 1 }
    #expect(run.result.itlMs?.count == gaps)
    #expect(abs(run.result.itlMs!.mean * Double(gaps) - later) < later * 1e-9)
    // The result's figures are the means of what was recorded.
    let meanFirst = byNumber.reduce(0.0) { $0 + Double($1.firstToken - $1.arrival) } / 20e6
    let meanEnd = byNumber.reduce(0.0) { $0 + Double($1.end - $1.arrival) } / 20e6
    if run.result.steadyState.stable {
      #expect(abs(run.result.ttftMs!.mean - meanFirst) < 1e-6)
      #expect(abs(run.result.e2elMs!.mean - meanEnd) < 1e-6)
    }
  }

  @Test(
    "a KV cache too short for the batch preempts, and all tokens still come",
    arguments: [17, 20, 29, 40], [12, 64])
  func preemption(blocks: Int, budget: Int) throws {
    let model = try ServingHarness.model()
    let block = Int64(model.keyValueBytesPerToken(under: .bf16)) * 4
    // Each ends with 60 tokens, 15 blocks.
    let requests = ServingHarness.requests(count: 6, prompt: 20, output: 40, gapSeconds: 0)
    var configuration = try Self.configuration(
      requests: requests, budget: budget, keyValue: .bytes(block * Int64(blocks)))
    configuration.cache.keyValueBlockTokens = 4
    var seen = 0
    let result = try ServingHarness.probe(configuration) { engine, _ in
      #expect(engine.batch.keyValue.used <= engine.batch.keyValue.capacity)
      if engine.batch.preemptions > seen {
        seen = engine.batch.preemptions
        // Who was sent away is not in the step that sent it.
        #expect(engine.batch.waitingCount > 0)
        for entry in engine.batch.entries where entry.isPrefill && entry.position == 0 {
          #expect(engine.batch[entry.sequence].produced == 0)
        }
      }
    }
    ServingHarness.checkBooks(result, configuration, requests: requests)
    #expect(result.requests.preemptions > 0)
    // Without shortage nobody is sent away, and it is faster.
    let roomy = try ServingHarness.run(Self.configuration(requests: requests, budget: budget))
    #expect(roomy.requests.preemptions == 0)
    #expect(roomy.simulatedSeconds < result.simulatedSeconds)
  }

  @Test("a request that can never fit is rejected, and the others are served")
  func rejection() throws {
    let model = try ServingHarness.model()
    let perToken = Int64(model.keyValueBytesPerToken(under: .bf16))
    let requests = [
      Request(number: 0, arrivalNanoseconds: 0, promptTokens: 600, outputTokens: 10),
      Request(number: 1, arrivalNanoseconds: 10, promptTokens: 60, outputTokens: 10),
    ]
    let result = try ServingHarness.run(
      Self.configuration(requests: requests, keyValue: .bytes(perToken * 512)))
    #expect(result.requests.rejected == 1)
    #expect(result.requests.completed == 1)
    #expect(result.requests.arrived == 2)
  }

  @Test("users of a closed loop have one request each at a time", arguments: [1, 3, 6])
  func closedLoop(users: Int) throws {
    var configuration = try Self.configuration(requests: [], sequences: 8)
    configuration.makeRequests = { BusyUsers(userCount: users, requestsEach: 4) }
    let run = try RecordingSink.record(configuration)
    #expect(run.result.requests.completed == users * 4)
    #expect(run.result.steadyState.stable)
    #expect(run.result.steadyState.offeredRequestsPerSecond == nil)
    for user in 0..<users {
      let own = run.sink.requests.filter { Int($0.number) % users == user }
        .sorted { $0.arrival < $1.arrival }
      #expect(own.count == 4)
      for (earlier, later) in zip(own, own.dropFirst()) { #expect(later.arrival == earlier.end) }
    }
    // Little's law: users always in the system.
    let spent = run.sink.requests.reduce(0.0) { $0 + Double($1.end - $1.arrival) } * 1e-9
    let span = run.result.simulatedSeconds
    #expect(spent <= Double(users) * span * (1 + 1e-9))
    #expect(spent > Double(users) * span * 0.85)
  }

  @Test("a dense model without experts is served")
  func dense() throws {
    let model = try ModelDescriptor.named("llama-3.1-8b")
    let requests = ServingHarness.requests(count: 3, prompt: 40, output: 6)
    let configuration = ServingHarness.configuration(model: model, requests: requests)
    let result = try ServingHarness.run(configuration)
    ServingHarness.checkBooks(result, configuration, requests: requests)
    #expect(result.expertCache.hits == 0 && result.expertCache.hitRate == 1)
    #expect(result.traffic.isEmpty)
    // Decoding reads every weight but the embedding's table once a step, at 1 TB/s.
    let weights = Double(model.bytes(under: .bf16).total - model.bytes(under: .bf16).embedding)
    let milliseconds = weights / 1e12 * 1e3
    #expect(result.tpotMs!.mean >= milliseconds)
    #expect(result.tpotMs!.mean < milliseconds * 1.06)
  }
}
