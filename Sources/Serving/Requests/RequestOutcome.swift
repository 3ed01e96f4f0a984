// SPDX-License-Identifier: GPL-3.0-or-later

/// What became of one request: when it arrived, was seen, was scheduled, and got its tokens.
///
/// Instants are nanoseconds of the simulation's clock, in the order in which they are declared.
@frozen
public struct RequestOutcome: BitwiseCopyable, Hashable, Sendable {
  /// How a request ended.
  @frozen
  public enum Fate: UInt8, BitwiseCopyable, Sendable, CaseIterable {
    /// It got its last token.
    case completed
    /// It was refused: its keys and values would never fit.
    case rejected
    /// It was given up: what served it failed too often.
    case lost

    /// The fate as files write it.
    public var name: String {
      switch self {
      case .completed: "completed"
      case .rejected: "rejected"
      case .lost: "lost"
      }
    }
  }

  /// The number of the request in its workload.
  public var number: UInt64
  /// When it arrived.
  public var arrival: UInt64
  /// When the scheduler first looked at it: at once where nothing ran, else at the end of the step
  /// during which it arrived. This is the instant at which vLLM's engine calls a request queued.
  public var queued: UInt64
  /// When it was first scheduled; 0 of a request that never was, as all instants below.
  public var scheduled: UInt64
  /// When its first token came out.
  public var firstToken: UInt64
  /// When its last token came out.
  public var lastToken: UInt64
  /// Length of its prompt, in tokens.
  public var promptTokens: Int32
  /// Tokens that it got.
  public var outputTokens: Int32
  /// The replica that served it, from 0.
  public var replica: Int32
  /// How it ended.
  public var fate: Fate

  /// The record of these values.
  public init(
    number: UInt64, arrival: UInt64, queued: UInt64, scheduled: UInt64, firstToken: UInt64,
    lastToken: UInt64, promptTokens: Int32, outputTokens: Int32, replica: Int32 = 0,
    fate: Fate = .completed
  ) {
    self.number = number
    self.arrival = arrival
    self.queued = queued
    self.scheduled = scheduled
    self.firstToken = firstToken
    self.lastToken = lastToken
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
    self.replica = replica
    self.fate = fate
  }
}

/// Takes what became of each request, as it ends.
public protocol RequestSink {
  /// A request has ended. Requests are told in the order in which they end.
  mutating func take(_ outcome: RequestOutcome)
}

/// A sink that keeps every outcome, in the order in which requests ended.
public struct RequestCollector: RequestSink {
  /// What was taken.
  public private(set) var outcomes: [RequestOutcome] = []

  /// An empty collector.
  public init() {}

  /// Keeps an outcome.
  public mutating func take(_ outcome: RequestOutcome) { outcomes.append(outcome) }
}
