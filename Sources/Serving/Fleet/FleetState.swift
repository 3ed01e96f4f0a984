// SPDX-License-Identifier: GPL-3.0-or-later

import Workload

/// What replicas of a group have in common.
struct GroupState {
  var costs: ReplicaCosts
  /// What a model takes to draft tokens, on one GPU of a rank; `nil` where none drafts.
  var draft: DraftCosts?
  let memory: ReplicaMemory
  /// What passes must read and compute.
  let passCosts: PassCosts
  /// Replicas that there may be, running or not.
  var members: Range<Int>
}

/// A request on its way to a replica.
struct Ticket {
  /// The request as it is: new, or with what it had been given before its replica failed.
  var sequence: SequenceState
  /// The number of its model; -1 where any will do.
  var model: Int32 = -1
  /// The identities of its prompt's blocks, where replicas share prefixes.
  var blocks: [UInt64] = []
  /// What it needs next.
  var part = ReplicaGroup.Part.whole
}

/// Requests that wait at the gateway, in order of arrival.
struct TicketQueue {
  private var waiting: [Int32] = []
  private var head = 0

  var count: Int { waiting.count - head }
  var first: Int32? { head < waiting.count ? waiting[head] : nil }

  mutating func append(_ ticket: Int32) { waiting.append(ticket) }

  mutating func removeFirst() {
    head += 1
    if head > 1024 && head * 2 > waiting.count {
      waiting.removeFirst(head)
      head = 0
    }
  }
}

/// What a fleet has done since its warm-up ended.
struct FleetCounters {
  /// Sequences that the fleet may run at once; kept when the warm-up ends.
  var batchSize = 0
  var steps: UInt64 = 0
  var promptTokens: Int64 = 0
  var outputTokens: Int64 = 0
  /// Where steps' time goes along the critical path [s].
  var times = ReplicaCosts.StageTimes()
  /// The sum over steps of the most loaded group's token–expert pairs over the mean.
  var imbalance = 0.0
  /// Steps by what they had to read and compute.
  var passes = PassBook()
  var deviceBytes = 0.0
  /// Requests that were started again on another replica, those given up, those answered by the response
  /// cache.
  var retried = 0
  var lost = 0
  var cached = 0
  var cachedTokens: Int64 = 0
  /// Failures of replicas, and what came back.
  var failures = 0
  var repairs = 0
  /// Output tokens that a failure made somebody compute again.
  var recomputedTokens: Int64 = 0
  /// Keys and values that moved between replicas.
  var movedBytes: Int64 = 0
  var moves: UInt64 = 0
  var moveSeconds = 0.0
  /// Keys and values that went to host memory or came back.
  var swappedBytes: Int64 = 0
  var swaps: UInt64 = 0
  /// Starts and ends of replicas by the autoscaler.
  var started = 0
  var stopped = 0
  /// The most requests that waited at the gateway at once.
  var mostUnrouted = 0
}

/// What one GPU has done since the warm-up ended [s].
struct GPUCounters {
  /// Kernels of its own.
  var busy = 0.0
  /// Steps of its replica: its own kernels, collectives, the software, and waiting for others.
  var inSteps = 0.0
  /// Collectives and what passes between stages.
  var collectives = 0.0
}
