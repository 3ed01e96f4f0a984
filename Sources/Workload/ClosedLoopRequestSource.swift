// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// Requests of users who wait for each answer and think before they ask again.
///
/// The `k`-th request of user `u` among `N` bears the number `k·N + u` whatever the order in which
/// answers come, and its draws are keyed by that number: two policies meet the same requests.
/// (Lengths that come from a trace are handed out in the order of asking instead.)
public struct ClosedLoopRequestSource: RequestSource {
  /// Requests follow the answers.
  public var isClosedLoop: Bool { true }
  /// How many users send requests.
  public let userCount: Int
  /// What a reader of the results should know.
  public private(set) var notices: [String] = []

  private let description: WorkloadDescription
  private let think: ArrivalProcess.ThinkTime
  private let reader: RequestTraceReader?
  private let seed: UInt64
  private let replication: UInt32
  private var record = RequestRecord()
  private var lastFromTrace: UInt64?
  private var sent: [UInt64]

  init(
    _ description: WorkloadDescription, users: Int, think: ArrivalProcess.ThinkTime,
    reader: RequestTraceReader?, seed: UInt64, replication: UInt32
  ) throws {
    self.description = description
    self.think = think
    self.reader = reader
    self.seed = seed
    self.replication = replication
    userCount = users
    sent = [UInt64](repeating: 0, count: users)
    if let reader {
      for _ in 0..<description.skip where try !reader.next(into: &record) { break }
    }
  }

  /// Whether the workload or its trace says how urgent requests are.
  public var hasPriorities: Bool {
    !description.priorities.isEmpty || (reader?.recordsPriorities ?? false)
  }

  /// Tokens in a prefix block, where the lengths come from a trace that records them.
  public var prefixBlockTokens: Int {
    description.lengths == nil ? reader?.prefixBlockTokens ?? 0 : 0
  }

  /// A closed source has no clock of its own.
  public mutating func next() throws -> Request? {
    preconditionFailure(
      "a closed workload sends requests by user; ask next(user:afterNanoseconds:)")
  }

  /// The next request of one user, or `nil` when the limit of requests or the trace is reached.
  public mutating func next(user: Int, afterNanoseconds: UInt64) throws -> Request? {
    let number = sent[user] * UInt64(userCount) + UInt64(user)
    guard number < description.requestLimit else { return nil }
    var stream = RandomStream(
      seed: seed, replication: replication, purpose: .thinkTimes, entity: number)
    let wait = (think.draw(from: &stream) / description.rateScale * 1e9).rounded()
    let arrival = Double(afterNanoseconds) + wait
    guard arrival <= Double(RequestLimits.maximumArrivalNanoseconds) else {
      throw WorkloadError(
        "user \(user) would think for \(wait * 1e-9) s: shorten workload.arrivals.think")
    }
    var request = Request(
      number: number, arrivalNanoseconds: afterNanoseconds + UInt64(wait), promptTokens: 1,
      outputTokens: 1, user: Int32(user))
    if let lengths = description.lengths {
      (request.promptTokens, request.outputTokens) = lengths.draw(
        seed: seed, replication: replication, request: number)
    } else if let reader {
      guard try reader.next(into: &record) else {
        if notices.isEmpty { notices.append("the trace ran out of lengths for the users") }
        return nil
      }
      request.promptTokens = record.promptTokens
      request.outputTokens = record.outputTokens
      request.prefixBlockCount = UInt32(record.prefixBlocks.count)
      request.priority = record.priority
      lastFromTrace = number
    }
    if !description.priorities.isEmpty {
      request.priority = description.priorities.draw(
        seed: seed, replication: replication, request: number)
    }
    sent[user] += 1
    return request
  }

  /// The blocks of the request last handed out.
  public func prefixBlocks(of request: Request) -> ArraySlice<UInt64> {
    guard request.prefixBlockCount > 0, request.number == lastFromTrace else { return [] }
    return record.prefixBlocks[...]
  }
}
