// SPDX-License-Identifier: GPL-3.0-or-later

/// Who of those waiting joins the batch next.
///
/// The engine asks again after each admission, until the batch's limits or the KV cache stop it.
public protocol AdmissionPolicy: Sendable {
  /// Whether it asks which expert a request leans to (``WaitingRequest/expertKey``); false by
  /// default.
  var needsExpertKeys: Bool { get }

  /// The position in the queue of the request to admit next; `nil` to admit none now.
  ///
  /// - Parameters:
  ///   - waiting: The requests waiting, in order of arrival.
  ///   - running: Sequences in the batch already.
  func next(waiting: borrowing some WaitingQueue, running: Int) -> Int?
}

extension AdmissionPolicy {
  /// Requests are told apart by what they ask for alone.
  public var needsExpertKeys: Bool { false }
}

/// The requests waiting for admission, in order of arrival.
public protocol WaitingQueue {
  /// How many wait.
  var count: Int { get }
  /// The request at a position.
  subscript(position: Int) -> WaitingRequest { get }
}

/// What an admission policy may know of a request that waits.
public struct WaitingRequest: BitwiseCopyable, Sendable {
  /// The request's number in its workload.
  public var number: UInt64
  /// Tokens that must be computed before its next output token.
  public var promptTokens: Int
  /// Output tokens that it asks for at most.
  public var outputTokens: Int
  /// When it arrived [ns].
  public var arrival: UInt64
  /// The expert that its first tokens use most in the first MoE layer
  /// (`RoutingSource.leadingExpert`); -1 where that is not asked for.
  public var expertKey: Int32
  /// A request that waits.
  public init(
    number: UInt64, promptTokens: Int, outputTokens: Int = 0, arrival: UInt64,
    expertKey: Int32 = -1
  ) {
    self.expertKey = expertKey
    self.number = number
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
    self.arrival = arrival
  }
}
