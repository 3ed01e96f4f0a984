// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import SimulationKernel

/// The operations of a step's graph while they run: what has ended, when, and what it waited for.
struct GraphExecution {
  /// When an operation became ready, started and ended [ns].
  struct Times: BitwiseCopyable {
    var ready: UInt64 = 0
    var started: UInt64 = 0
    var ended: UInt64 = 0
    /// The operation whose end made it ready, or -1.
    var released: Int32 = -1
  }

  /// Times by place in the graph.
  private(set) var times: [Times] = []
  /// Operations that have not ended.
  private(set) var remaining = 0
  /// When the device's stream last ended an operation of the step, or the step began [ns].
  var streamFree: UInt64 = 0
  var identifiers: [OperationID] = []
  /// Those who wait for an operation: `dependents[starts[i]..<starts[i + 1]]`.
  private var starts: [Int32] = []
  private var dependents: [Int32] = []

  /// Begins a step.
  ///
  /// - Complexity: O(operations + waits).
  mutating func begin(_ graph: StepGraph, now: UInt64) {
    let count = graph.operations.count
    remaining = count
    streamFree = now
    times.removeAll(keepingCapacity: true)
    times.append(contentsOf: repeatElement(Times(), count: count))
    starts.removeAll(keepingCapacity: true)
    starts.append(contentsOf: repeatElement(0, count: count + 1))
    for edge in graph.edges { starts[Int(edge.other) + 1] += 1 }
    for index in 0..<count { starts[index + 1] += starts[index] }
    dependents.removeAll(keepingCapacity: true)
    dependents.append(contentsOf: repeatElement(0, count: graph.edges.count))
    // Filled from the back, so that the starts are where they should be in the end.
    for edge in graph.edges.reversed() {
      let place = Int(edge.other) + 1
      starts[place] -= 1
      dependents[Int(starts[place])] = edge.operation
    }
    // Now `starts[i + 1]` is where i's dependents begin; shift by one.
    for index in 0..<count { starts[index] = starts[index + 1] }
    starts[count] = Int32(graph.edges.count)
  }

  /// Notes an operation's end.
  mutating func ended(_ node: Int, _ end: OperationEnd) {
    times[node].ready = end.ready.nanoseconds
    times[node].started = end.started.nanoseconds
    times[node].ended = end.ended.nanoseconds
    remaining -= 1
    for place in Int(starts[node])..<Int(starts[node + 1]) {
      times[Int(dependents[place])].released = Int32(node)
    }
  }
}
