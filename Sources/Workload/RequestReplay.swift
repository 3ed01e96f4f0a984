// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// Requests that are known one by one before a run begins.
public struct RequestReplay: Hashable, Sendable {
  /// The requests in the order in which they are sent, numbered from 0, by nondecreasing arrival.
  public let requests: [Request]
  /// The users of a closed loop, who send them one after the other as answers come; `nil` where
  /// requests arrive by the clock.
  public let users: Int?

  /// A replay.
  ///
  /// - Precondition: Requests are numbered in order; arrivals of an open replay do not go back; there
  ///   is at least one user of a closed one.
  public init(_ requests: [Request], users: Int? = nil) {
    precondition(
      requests.enumerated().allSatisfy { $0.offset == Int($0.element.number) },
      "requests of a replay are numbered from 0")
    precondition(
      users != nil
        || zip(requests, requests.dropFirst()).allSatisfy {
          $0.arrivalNanoseconds <= $1.arrivalNanoseconds
        },
      "arrivals of a replay do not go back in time")
    precondition(users ?? 1 >= 1, "a closed loop has at least one user")
    self.requests = requests
    self.users = users
  }
}

/// The stream of a replay: recorded arrivals, or users who take the next request after each answer.
///
/// Closed-loop users do not think. The request that a user gets depends on the order of answers, and
/// keeps its number whoever sends it.
public struct ReplayedRequestSource: RequestSource {
  /// Whether requests follow the answers.
  public var isClosedLoop: Bool { replay.users != nil }
  /// How many users send requests.
  public var userCount: Int { replay.users ?? 0 }
  /// Nothing needs to be said of a replay.
  public var notices: [String] { [] }

  private let replay: RequestReplay
  private var place = 0
  private let process: ArrivalProcess?
  private let seed: UInt64
  private let replication: UInt32
  private var lastArrival: UInt64 = 0

  /// A stream that begins with the first request.
  ///
  /// - Parameters:
  ///   - replay: The requests.
  ///   - process: When requests of an open replay arrive, in place of their own arrivals.
  ///   - seed: The seed of the run, from which such arrivals are drawn.
  ///   - replication: Which replication of the run.
  public init(
    _ replay: RequestReplay, arrivals process: ArrivalProcess? = nil, seed: UInt64 = 0,
    replication: UInt32 = 0
  ) {
    precondition(
      replay.users == nil || process == nil, "users of a closed replay follow no arrival process")
    self.replay = replay
    self.process = process
    self.seed = seed
    self.replication = replication
  }

  /// The next request by arrival.
  public mutating func next() throws -> Request? {
    precondition(!isClosedLoop, "a closed replay sends requests by user")
    guard place < replay.requests.count else { return nil }
    var request = replay.requests[place]
    place += 1
    if let process {
      var stream = RandomStream(
        seed: seed, replication: replication, purpose: .arrivals, entity: request.number)
      let gap = (process.gap(from: &stream) * 1e9).rounded()
      lastArrival += UInt64(min(gap, Double(RequestLimits.maximumArrivalNanoseconds) * 1e-6))
      request.arrivalNanoseconds = lastArrival
    }
    return request
  }

  /// The next request, sent by that user at once.
  public mutating func next(user: Int, afterNanoseconds: UInt64) throws -> Request? {
    precondition(isClosedLoop, "an open replay sends requests by the clock")
    guard place < replay.requests.count else { return nil }
    var request = replay.requests[place]
    place += 1
    request.arrivalNanoseconds = afterNanoseconds
    request.user = Int32(user)
    return request
  }
}
