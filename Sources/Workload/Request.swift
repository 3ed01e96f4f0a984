// SPDX-License-Identifier: GPL-3.0-or-later

/// One request as it reaches a serving system: when, and how many tokens in and out.
@frozen
public struct Request: BitwiseCopyable, Hashable, Sendable {
  /// The running number of the request in its workload, from 0. Random draws that belong to the
  /// request are keyed by it.
  public var number: UInt64
  /// When it arrives, in nanoseconds since the start of the workload.
  public var arrivalNanoseconds: UInt64
  /// Length of the prompt, in tokens; at least 1.
  public var promptTokens: Int32
  /// Tokens that will be generated; at least 1.
  public var outputTokens: Int32
  /// The closed-loop user who sent it, or -1 in an open workload.
  public var user: Int32
  /// How many reusable prefix blocks its prompt consists of; 0 where the workload knows none.
  /// The blocks' identities come from ``RequestSource/prefixBlocks(of:)``.
  public var prefixBlockCount: UInt32
  /// How urgent it is; the higher goes first where the server asks. 0 where the workload says nothing.
  public var priority: Int32

  /// Creates a request.
  @inlinable
  public init(
    number: UInt64, arrivalNanoseconds: UInt64, promptTokens: Int32, outputTokens: Int32,
    user: Int32 = -1, prefixBlockCount: UInt32 = 0, priority: Int32 = 0
  ) {
    self.number = number
    self.arrivalNanoseconds = arrivalNanoseconds
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
    self.user = user
    self.prefixBlockCount = prefixBlockCount
    self.priority = priority
  }

  /// When it arrives, in seconds since the start of the workload.
  @inlinable
  public var arrivalSeconds: Double { Double(arrivalNanoseconds) * 1e-9 }
}

/// The sizes that any request may have; what lies outside is an error of the trace, not a request.
public enum RequestLimits {
  /// The longest prompt or output accepted, in tokens: 2²⁴, sixteen times the longest context that
  /// published models advertise.
  public static let maximumTokens: Int32 = 1 << 24
  /// The latest arrival accepted, in nanoseconds: about 31 years.
  public static let maximumArrivalNanoseconds: Int64 = 1_000_000_000_000_000_000
  /// The most prefix blocks accepted of one request.
  public static let maximumPrefixBlocks: Int = 1 << 20
  /// The priorities accepted.
  public static let priorities: ClosedRange<Int> = -1_000_000...1_000_000
}
