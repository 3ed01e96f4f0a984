// SPDX-License-Identifier: GPL-3.0-or-later

/// Who runs together from the first token to the last: batches that are closed before they begin.
///
/// A batch begins when none runs, with those who wait then; nobody joins it later.
public protocol ClosedBatchPolicy: AdmissionPolicy {
  /// Assigns waiting requests to micro-batches.
  ///
  /// - Parameters:
  ///   - waiting: The requests waiting, in order of arrival.
  ///   - limits: How many micro-batches there may be, and how large.
  ///   - assignment: For each request its micro-batch; -1, as all are beforehand, lets it wait on.
  func close(
    waiting: borrowing some WaitingQueue, limits: MicroBatchLimits, assignment: inout [Int32])
}

extension ClosedBatchPolicy {
  /// Nobody joins a closed batch.
  public func next(waiting: borrowing some WaitingQueue, running: Int) -> Int? { nil }
}

/// How many micro-batches a closed batch has at most, and how large they are.
public struct MicroBatchLimits: Sendable, Equatable {
  /// Micro-batches at most.
  public var count: Int
  /// Sequences of each at most.
  public var size: Int
  /// Tokens of prompts and outputs that each may have cached in the end.
  public var cachedTokens: Int

  /// Limits of micro-batches.
  public init(count: Int, size: Int, cachedTokens: Int) {
    self.count = count
    self.size = size
    self.cachedTokens = cachedTokens
  }
}

/// Closed batches in order of arrival: the first micro-batch is filled, then the next.
public struct StaticBatch: ClosedBatchPolicy {
  /// Closed batches in order of arrival.
  public init() {}

  /// Fills one micro-batch after the other.
  public func close(
    waiting: borrowing some WaitingQueue, limits: MicroBatchLimits, assignment: inout [Int32]
  ) {
    var batch = 0
    var sequences = 0
    var tokens = 0
    for position in 0..<waiting.count {
      let request = waiting[position]
      let needed = request.promptTokens + request.outputTokens
      if sequences == limits.size || (sequences > 0 && tokens + needed > limits.cachedTokens) {
        batch += 1
        sequences = 0
        tokens = 0
      }
      // The first may be alone, however long it is.
      let fits = tokens + needed <= limits.cachedTokens || position == 0
      guard batch < limits.count, fits else { return }
      assignment[position] = Int32(batch)
      sequences += 1
      tokens += needed
    }
  }
}

/// Closed batches whose micro-batches have about equal numbers of prompt tokens.
///
/// MoE-Lightning (arXiv 2411.11217), algorithm 2: requests by length of prompt, the longest first,
/// each into the micro-batch with the fewest tokens; one whose tokens would not fit waits for the
/// next batch; a micro-batch closes when it has as many requests as it may. Where nobody fits, the
/// first to have arrived is served alone.
public struct LengthSortedBatch: ClosedBatchPolicy {
  /// Micro-batches of equal work.
  public init() {}

  /// Balances prompts over micro-batches.
  ///
  /// - Complexity: O(requests × (log requests + micro-batches)).
  public func close(
    waiting: borrowing some WaitingQueue, limits: MicroBatchLimits, assignment: inout [Int32]
  ) {
    var lengths: [(position: Int, prompt: Int)] = []
    lengths.reserveCapacity(waiting.count)
    var longestOutput = 0
    for position in 0..<waiting.count {
      lengths.append((position, waiting[position].promptTokens))
      longestOutput = max(longestOutput, waiting[position].outputTokens)
    }
    lengths.sort { ($1.prompt, $0.position) < ($0.prompt, $1.position) }
    var sums = [Int](repeating: 0, count: limits.count)
    var counts = [Int](repeating: 0, count: limits.count)
    for (position, prompt) in lengths {
      var chosen = -1
      for batch in 0..<limits.count where counts[batch] < limits.size {
        if chosen < 0 || sums[batch] < sums[chosen] { chosen = batch }
      }
      guard chosen >= 0 else { return }
      let cached = sums[chosen] + prompt + (1 + counts[chosen]) * longestOutput
      guard cached <= limits.cachedTokens else { continue }
      assignment[position] = Int32(chosen)
      sums[chosen] += prompt
      counts[chosen] += 1
    }
    if waiting.count > 0, counts.allSatisfy({ $0 == 0 }) { assignment[0] = 0 }
  }
}
