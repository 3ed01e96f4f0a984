// SPDX-License-Identifier: GPL-3.0-or-later

extension ServingEngine {
  /// Takes a sample of the run where one is due.
  mutating func recordHistory(now: UInt64) {
    guard let recorder = history, recorder.isDue(now) else { return }
    history!.take(historySample(now: now), at: now)
  }

  /// What was done since the statistics were last reset, and how full queue, batch and memories are.
  func historySample(now: UInt64) -> HistoryRecorder.Sample {
    var sample = HistoryRecorder.Sample()
    let seconds = Double(now - min(now, progress.measuredFrom)) * 1e-9
    if seconds > 0 {
      let shares = utilizations(seconds: seconds, end: now).byName
      sample.busySeconds = shares.mapValues { $0 * seconds }
    }
    sample.counts = [
      "output tokens": Double(counters.outputTokens),
      "prompt tokens": Double(counters.promptTokens),
    ]
    sample.levels = [
      "waiting requests": Double(batch.waitingCount),
      "running sequences": Double(batch.running.count),
      "KV cache": Double(batch.keyValue.used) / Double(max(1, batch.keyValue.capacity)),
    ]
    guard memory.layers > 0 else { return sample }
    sample.counts[HistoryRecorder.hits] = Double(counters.fast.hits.reduce(0, +))
    sample.counts[HistoryRecorder.accesses] = Double(counters.fast.accesses.reduce(0, +))
    let pools = tier.view.poolCount / deviceCount
    let held = (0..<pools).reduce(Int64(0)) { $0 + tier.view.usedBytes(inPool: $1) }
    let room = memory.isElastic ? memory.sharedBytes : memory.expertCacheBytes
    if room > 0 { sample.levels["expert cache"] = Double(held) / Double(room) }
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
