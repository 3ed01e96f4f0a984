// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Workload

@Suite("Replays of known requests")
struct RequestReplayTests {
  private static let requests = (0..<5).map { (number: Int) -> Request in
    Request(
      number: UInt64(number), arrivalNanoseconds: UInt64(number * 10),
      promptTokens: Int32(number + 1), outputTokens: Int32(2 * number + 1))
  }

  @Test("send every request once, as it is")
  func open() throws {
    var source = try WorkloadDescription(replaying: RequestReplay(Self.requests)).open(seed: 3)
    #expect(!source.isClosedLoop)
    var sent: [Request] = []
    while let request = try source.next() { sent.append(request) }
    #expect(sent == Self.requests)
  }

  @Test("send the next request to whichever user asks, until there is none")
  func closed() throws {
    let description = WorkloadDescription(replaying: RequestReplay(Self.requests, users: 2))
    var source = try description.open(seed: 3)
    #expect(source.isClosedLoop && source.userCount == 2 && description.isClosedLoop)
    var sent: [Request] = []
    for (time, user) in [(0, 0), (0, 1), (70, 1), (80, 1), (90, 0)] {
      let request = try #require(
        try source.next(user: user, afterNanoseconds: UInt64(time)))
      #expect(request.user == Int32(user) && request.arrivalNanoseconds == UInt64(time))
      sent.append(request)
    }
    #expect(sent.map(\.number) == [0, 1, 2, 3, 4])
    #expect(sent.map(\.promptTokens) == [1, 2, 3, 4, 5])
    #expect(try source.next(user: 0, afterNanoseconds: 100) == nil)
  }

  @Test("draw arrivals where asked to, the same for the same seed")
  func drawn() throws {
    var description = WorkloadDescription(replaying: RequestReplay(Self.requests))
    description.arrivals = .poisson(rate: 100)
    let arrivals = { (seed: UInt64) -> [UInt64] in
      var source = try description.open(seed: seed)
      var sent: [UInt64] = []
      while let request = try source.next() { sent.append(request.arrivalNanoseconds) }
      return sent
    }
    let first = try arrivals(1)
    #expect(first == first.sorted() && Set(first).count == 5)
    #expect(try arrivals(1) == first)
    #expect(try arrivals(2) != first)
  }
}
