// SPDX-License-Identifier: GPL-3.0-or-later

/// Read-ME's batching (arXiv 2410.19123): requests that will use the same expert wait in one queue,
/// and the batch is filled from the longest queue.
///
/// Read-ME knows the experts of each token before it is computed, and its batches hold tokens of one
/// expert up to a limit of tokens; here that limit is `serving.token_budget`, a request stands in the
/// queue of the expert that its first tokens use most in the first layer, and the longest queue is
/// found anew for each admission. Requests whose expert is not known share a queue. Of queues of
/// equal length the one whose first request came first is served.
///
/// - Complexity: O(n log n) for n requests waiting.
public struct ExpertQueues: AdmissionPolicy {
  /// Admission from the longest queue.
  public init() {}

  /// Requests are told apart by their experts.
  public var needsExpertKeys: Bool { true }

  /// The first request of the longest queue.
  public func next(waiting: borrowing some WaitingQueue, running: Int) -> Int? {
    guard waiting.count > 0 else { return nil }
    var keys: [(key: Int32, position: Int)] = []
    keys.reserveCapacity(waiting.count)
    for position in 0..<waiting.count { keys.append((waiting[position].expertKey, position)) }
    keys.sort { ($0.key, $0.position) < ($1.key, $1.position) }
    var best = (length: 0, first: Int.max)
    var start = 0
    while start < keys.count {
      var end = start
      while end < keys.count && keys[end].key == keys[start].key { end += 1 }
      let (length, first) = (end - start, keys[start].position)
      if length > best.length || (length == best.length && first < best.first) {
        best = (length, first)
      }
      start = end
    }
    return best.first
  }
}
