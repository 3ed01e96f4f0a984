// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// Requests that arrive by the clock: from a trace, from distributions, or arrivals from one and
/// lengths from the other.
///
/// Every draw is keyed by the number of its request, so that a change of one distribution leaves
/// the draws of the other, and of every other request, as they were.
public struct OpenRequestSource: RequestSource {
  /// Requests follow the clock.
  public var isClosedLoop: Bool { false }
  /// What a reader of the results should know.
  public private(set) var notices: [String] = []

  private let description: WorkloadDescription
  private let reader: RequestTraceReader?
  private let seed: UInt64
  private let replication: UInt32
  private var record = RequestRecord()
  private var number: UInt64 = 0
  private var isExhausted = false
  private var timeOrigin: Int64?
  private var lastArrival: UInt64 = 0

  init(
    _ description: WorkloadDescription, reader: RequestTraceReader?, seed: UInt64,
    replication: UInt32
  ) throws {
    self.description = description
    self.reader = reader
    self.seed = seed
    self.replication = replication
    if let reader, description.skip > 0 {
      for skipped in 0..<description.skip {
        guard try reader.next(into: &record) else {
          notices.append(
            "the trace ended after \(skipped) requests; all of them were to be skipped")
          isExhausted = true
          break
        }
      }
    } else if let reader, reader.hasRelativeTime {
      timeOrigin = 0
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

  /// The next request by arrival, or `nil` when the trace or the limit of requests is reached.
  public mutating func next() throws -> Request? {
    guard !isExhausted, number < description.requestLimit else { return nil }
    if let reader {
      guard try reader.next(into: &record) else {
        isExhausted = true
        if let limit = description.requests {
          notices.append("the trace ended after \(number) of the \(limit) requests asked for")
        }
        return nil
      }
    }
    let arrival = try nextArrival()
    var request = Request(
      number: number, arrivalNanoseconds: arrival, promptTokens: record.promptTokens,
      outputTokens: record.outputTokens)
    if let lengths = description.lengths {
      (request.promptTokens, request.outputTokens) = lengths.draw(
        seed: seed, replication: replication, request: number)
    } else {
      request.prefixBlockCount = UInt32(record.prefixBlocks.count)
    }
    request.priority =
      description.priorities.isEmpty
      ? (reader == nil ? 0 : record.priority)
      : description.priorities.draw(seed: seed, replication: replication, request: number)
    number += 1
    lastArrival = arrival
    return request
  }

  /// An open source has no users to ask for.
  public mutating func next(user: Int, afterNanoseconds: UInt64) throws -> Request? {
    preconditionFailure("an open workload sends requests by the clock; ask next()")
  }

  /// The blocks of the request last handed out.
  public func prefixBlocks(of request: Request) -> ArraySlice<UInt64> {
    guard request.prefixBlockCount > 0, request.number + 1 == number else { return [] }
    return record.prefixBlocks[...]
  }

  private mutating func nextArrival() throws -> UInt64 {
    let nanoseconds: Double
    if let process = description.arrivals {
      if case .allAtOnce = process { return 0 }
      var stream = RandomStream(
        seed: seed, replication: replication, purpose: .arrivals, entity: number)
      nanoseconds =
        Double(lastArrival)
        + (process.gap(from: &stream) / description.rateScale * 1e9).rounded()
    } else {
      let origin = timeOrigin ?? record.arrivalNanoseconds
      timeOrigin = origin
      nanoseconds =
        (Double(record.arrivalNanoseconds - origin) / description.rateScale).rounded()
    }
    guard nanoseconds <= Double(RequestLimits.maximumArrivalNanoseconds) else {
      throw WorkloadError(
        "request \(number) would arrive \(nanoseconds * 1e-9) s after the start, more than 31 "
          + "years: raise the rate or workload.rate_scale")
    }
    return UInt64(nanoseconds)
  }
}

/// A workload that cannot be carried out as described.
public struct WorkloadError: Error, CustomStringConvertible {
  /// What is wrong and what would be right.
  public let description: String

  init(_ description: String) { self.description = description }
}
