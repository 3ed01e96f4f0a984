// SPDX-License-Identifier: GPL-3.0-or-later

import Dispatch
import Synchronization

/// Does independent pieces of work on several threads, and gives what came of them in their order.
///
/// - Parameters:
///   - count: The pieces.
///   - workers: Pieces at once.
///   - progress: Told after each piece, by one thread at a time, how many have ended.
///   - body: Does the piece of an index. What it gives must not depend on which pieces ended before.
package func concurrentMap<Value: Sendable>(
  _ count: Int, workers: Int, progress: (@Sendable (Int) -> Void)? = nil,
  _ body: @Sendable (Int) -> Value
) -> [Value] {
  guard workers > 1, count > 1 else {
    return (0..<count).map { index in
      defer { progress?(index + 1) }
      return body(index)
    }
  }
  let shared = Mutex((next: 0, done: 0, values: [Value?](repeating: nil, count: count)))
  DispatchQueue.concurrentPerform(iterations: min(workers, count)) { _ in
    while true {
      let index = shared.withLock { state in
        defer { state.next += 1 }
        return state.next
      }
      guard index < count else { return }
      let value = body(index)
      shared.withLock { state in
        state.values[index] = value
        state.done += 1
        progress?(state.done)
      }
    }
  }
  return shared.withLock { $0.values.compactMap(\.self) }
}
