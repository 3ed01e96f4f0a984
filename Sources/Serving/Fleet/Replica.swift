// SPDX-License-Identifier: GPL-3.0-or-later

/// One replica of a fleet: its sequences, the steps under way, what it has done.
struct Replica {
  /// What it may do at present.
  enum State: UInt8 {
    /// Not bought or not switched on.
    case off
    /// Loading its weights.
    case starting
    /// Taking requests and computing.
    case serving
    /// Computing what it has, and taking nothing new.
    case draining
    /// Failed; what it held is lost.
    case failed
  }

  /// The part of a replica whose steps follow one another: as many as there are pipeline stages, so that
  /// each stage has a step to compute.
  struct Lane {
    /// The data-parallel ranks, which step together.
    var ranks: [BatchScheduler]
    var stepIsActive = false
    /// Whether a wake is scheduled.
    var isWoken = false
    /// The stages' times of the step under way [ns].
    var stageNanoseconds: [UInt64]
    /// Steps for which its ranks have let prompts wait for each other.
    var heldSteps = 0
    /// When the host had launched the last step's kernels and could plan the next [ns].
    var launchedAt: UInt64 = 0
    /// When the last step ended [ns].
    var lastStepEnd: UInt64 = 0

    var isIdle: Bool { !stepIsActive && ranks.allSatisfy(\.isIdle) }
    var hasWork: Bool { !ranks.allSatisfy(\.isIdle) }
  }

  /// The number of its group.
  let group: Int
  /// Its number within the group.
  let number: Int
  /// Its first GPU, counted through the fleet.
  let firstDevice: Int
  /// The links that its collectives cross.
  var links: [Int32] = []
  var state: State
  /// Grows when it fails, so that what was under way is known to be void.
  var epoch: UInt32 = 0
  var lanes: [Lane]
  /// When each stage has computed what it was given [ns].
  var stageFreeAt: [UInt64]
  /// Where the next rank is looked for, so that ties go round.
  var nextRank = 0
  /// How many times as long kernels take; 1 unless one of its GPUs has degraded.
  var slowdown = 1.0
  /// The same of collectives and its links.
  var linkSlowdown = 1.0

  // Work that it has, for routers.
  var waitingPromptTokens: Int64 = 0
  var outstandingTokens: Int64 = 0
  /// Bytes of KV cache that a token takes on each GPU.
  let bytesPerToken: Double
  /// Bytes of a block of its KV cache on each GPU.
  let blockBytes: Int64

  // What it has done since the warm-up ended.
  var steps: UInt64 = 0
  var completed: UInt64 = 0
  var outputTokens: Int64 = 0
  /// Time in which it was up [ns], and since when it is.
  var upNanoseconds: UInt64 = 0
  var upSince: UInt64 = 0

  var isUp: Bool { state == .serving || state == .draining }

  /// Sequences in its batches.
  var running: Int {
    lanes.reduce(0) { sum, lane in sum + lane.ranks.reduce(0) { $0 + $1.running.count } }
  }
  /// Requests in its queues.
  var waiting: Int {
    lanes.reduce(0) { sum, lane in sum + lane.ranks.reduce(0) { $0 + $1.waitingCount } }
  }
  /// The KV cache of all ranks: what is used of it, and all of it, in bytes of one GPU each.
  var keyValue: (used: Int64, capacity: Int64) {
    var sum: (used: Int64, capacity: Int64) = (0, 0)
    for lane in lanes {
      for rank in lane.ranks {
        sum.used += rank.keyValue.used
        sum.capacity += rank.keyValue.capacity
      }
    }
    return sum
  }

  /// Tokens at the front of a prompt whose keys and values one of its ranks has.
  func prefixHit(_ blocks: [UInt64], prompt: Int) -> Int {
    var most = 0
    for lane in lanes {
      for rank in lane.ranks {
        if let prefix = rank.prefix { most = max(most, prefix.hit(blocks, prompt: prompt)) }
      }
    }
    return most
  }

  /// The lane and rank with the least to do, as vLLM's coordinator of data-parallel ranks counts it:
  /// four times those that wait, and those that run.
  mutating func leastLoadedRank() -> (lane: Int, rank: Int) {
    let ranks = lanes[0].ranks.count
    let count = lanes.count * ranks
    var best = (place: 0, score: Int.max)
    for offset in 0..<count {
      let place = (nextRank + offset) % count
      let scheduler = lanes[place / ranks].ranks[place % ranks]
      let score = 4 * scheduler.waitingCount + scheduler.running.count
      if score < best.score { best = (place, score) }
    }
    nextRank = (best.place + 1) % count
    return (best.place / ranks, best.place % ranks)
  }
}
