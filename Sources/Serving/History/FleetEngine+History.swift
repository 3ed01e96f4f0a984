// SPDX-License-Identifier: GPL-3.0-or-later

extension FleetEngine {
  /// Takes a sample of the run where one is due.
  mutating func recordHistory(now: UInt64) {
    guard let recorder = history, recorder.isDue(now) else { return }
    history!.take(historySample(now: now), at: now)
  }

  /// What was done since the statistics were last reset, and how full queues, batches and memories are.
  ///
  /// What GPUs compute is counted as steps begin: a window may have a part of the next.
  func historySample(now: UInt64) -> HistoryRecorder.Sample {
    var sample = HistoryRecorder.Sample()
    let seconds = Double(now - min(now, progress.measuredFrom)) * 1e-9
    if seconds > 0 {
      let shares = utilizations(seconds: seconds, end: now).byName
      sample.busySeconds = shares.mapValues { $0 * seconds }
    }
    sample.counts = [
      "output tokens": Double(counters.outputTokens + counters.cachedTokens),
      "prompt tokens": Double(counters.promptTokens),
    ]
    var used = 0.0
    var capacity = 0.0
    var running = 0
    var up = 0
    for replica in replicas where replica.isUp {
      let cache = replica.keyValue
      used += Double(cache.used)
      capacity += Double(cache.capacity)
      running += replica.running
      up += 1
    }
    sample.levels = [
      "waiting requests": Double(waitingRequests), "running sequences": Double(running),
      "KV cache": used / max(1, capacity), "replicas up": Double(up),
    ]
    return sample
  }

  /// The run in windows; `nil` where it was not asked for.
  mutating func finishedHistory(endedAt end: UInt64, isStable: Bool) -> RunHistory? {
    guard history != nil else { return nil }
    history!.take(historySample(now: end), at: end)
    return history!.history(
      measuredFrom: progress.measuredFrom, quantiles: .init(latencies, isStable: isStable))
  }
}
