// SPDX-License-Identifier: GPL-3.0-or-later

/// A stream of requests, recorded or generated.
///
/// An open source knows its arrivals; a closed one has users who each send their next request when
/// the last one has been answered and they have thought. Both hand out one request at a time, so
/// that a run's memory does not grow with the length of its workload.
public protocol RequestSource {
  /// Whether requests follow the completion of earlier ones rather than the clock.
  var isClosedLoop: Bool { get }

  /// How many users send requests when the source is closed; 0 when it is open.
  var userCount: Int { get }

  /// The next request of an open source, by nondecreasing arrival, or `nil` when there is none.
  ///
  /// - Throws: `Diagnostic` with the file, line and column of what is wrong with a recorded trace.
  /// - Precondition: The source is open.
  mutating func next() throws -> Request?

  /// The next request of one user of a closed source, or `nil` when the workload has run out.
  ///
  /// A user's first request is asked for with `afterNanoseconds` 0; users think before that one too,
  /// so that they do not all start at once unless they think for no time.
  ///
  /// - Parameters:
  ///   - user: The user, from 0 to `userCount - 1`.
  ///   - afterNanoseconds: When the user's last request was answered.
  /// - Precondition: The source is closed.
  mutating func next(user: Int, afterNanoseconds: UInt64) throws -> Request?

  /// The identities of the prefix blocks of a request; equal identity is a reusable block.
  ///
  /// Known only until the next request is asked for: the source keeps the blocks of one request.
  /// Empty where the workload records none.
  func prefixBlocks(of request: Request) -> ArraySlice<UInt64>

  /// Tokens in a prefix block, or 0 where the workload records none.
  var prefixBlockTokens: Int { get }

  /// Whether requests have priorities of their own.
  var hasPriorities: Bool { get }

  /// What a reader of the results should know of the workload, such as that it ran out early.
  var notices: [String] { get }
}

extension RequestSource {
  /// An open source has no users.
  public var userCount: Int { 0 }

  /// Recorded by none but traces with prefix blocks.
  public func prefixBlocks(of request: Request) -> ArraySlice<UInt64> { [] }

  /// Recorded by none but traces with prefix blocks.
  public var prefixBlockTokens: Int { 0 }

  /// All requests are alike.
  public var hasPriorities: Bool { false }
}
