// SPDX-License-Identifier: GPL-3.0-or-later

/// Takes what an engine has done and how full it is, at steps some time apart.
///
/// A run's length is not known beforehand. Samples are taken at short intervals first; whenever there are more than
/// asked for, every other one is dropped and the interval doubles. What samples hold are sums since the
/// beginning, so that dropping one joins two windows and loses nothing else.
struct HistoryRecorder {
  /// What an engine has done since its statistics were last reset, and how full it is.
  struct Sample {
    /// Time in which each resource was busy [s].
    var busySeconds: [String: Double] = [:]
    /// Tokens and cache accesses.
    var counts: [String: Double] = [:]
    /// Numbers of requests and shares of memory.
    var levels: [String: Double] = [:]
  }

  /// Resources that a history shows at most: the busiest.
  private static let mostResources = 32
  /// Names under which hits and accesses are counted, which become one rate.
  static let hits = "hits"
  static let accesses = "accesses"

  private let windows: Int
  private var interval: UInt64 = 1 << 20
  private var due: UInt64 = 0
  private var times: [UInt64] = []
  private var samples: [Sample] = []
  /// The sums at the last reset.
  private var before = Sample()

  /// A recorder of at most so many windows, at least 2.
  init(windows: Int) {
    self.windows = windows
  }

  /// Whether a sample is to be taken at this instant [ns].
  func isDue(_ now: UInt64) -> Bool { now >= due }

  /// Takes a sample.
  ///
  /// - Complexity: O(resources), O(1) samples an interval.
  mutating func take(_ sample: Sample, at now: UInt64) {
    if let last = times.last, last == now {
      times.removeLast()
      samples.removeLast()
    }
    times.append(now)
    samples.append(sum(sample))
    if times.count > windows + 1 { thin() }
    due = (now / interval + 1) * interval
  }

  /// Takes a sample before statistics begin anew, on which those to come are added.
  mutating func takeBeforeReset(_ sample: Sample, at now: UInt64) {
    take(sample, at: now)
    before = samples[samples.count - 1]
  }

  private func sum(_ sample: Sample) -> Sample {
    var total = sample
    total.busySeconds.merge(before.busySeconds) { $0 + $1 }
    total.counts.merge(before.counts) { $0 + $1 }
    return total
  }

  private mutating func thin() {
    // The first sample is the beginning, and the last one is needed.
    let last = times.count - 1
    let kept = times.indices.filter { $0 % 2 == 0 || $0 == last }
    times = kept.map { times[$0] }
    samples = kept.map { samples[$0] }
    interval *= 2
  }

  /// The windows between the samples.
  func history(measuredFrom: UInt64, quantiles: RunHistory.Quantiles) -> RunHistory {
    let ends = times.indices.dropFirst()
    let total = samples.last ?? Sample()
    let shown = total.busySeconds.filter { $0.value > 0 }
      .sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(Self.mostResources)
    var busy: [String: [Double]] = [:]
    for (name, _) in shown {
      busy[name] = ends.map { index in
        min(1, max(0, change(index) { $0.busySeconds[name] ?? 0 } / seconds(index)))
      }
    }
    var rates: [String: [Double?]] = [:]
    for name in total.counts.keys where name != Self.hits && name != Self.accesses {
      rates[name] = ends.map { index in change(index) { $0.counts[name] ?? 0 } / seconds(index) }
    }
    if (total.counts[Self.accesses] ?? 0) > 0 {
      rates["hit rate"] = ends.map { index in
        let accesses = change(index) { $0.counts[Self.accesses] ?? 0 }
        return accesses > 0 ? change(index) { $0.counts[Self.hits] ?? 0 } / accesses : nil
      }
    }
    var levels: [String: [Double]] = [:]
    for name in total.levels.keys { levels[name] = ends.map { samples[$0].levels[name] ?? 0 } }
    return RunHistory(
      beginSeconds: Double(times.first ?? 0) * 1e-9,
      measuredFromSeconds: Double(measuredFrom) * 1e-9,
      endSeconds: ends.map { Double(times[$0]) * 1e-9 }, busy: busy, levels: levels, rates: rates,
      quantiles: quantiles)
  }

  private func change(_ index: Int, _ value: (Sample) -> Double) -> Double {
    value(samples[index]) - value(samples[index - 1])
  }

  private func seconds(_ index: Int) -> Double { Double(times[index] - times[index - 1]) * 1e-9 }
}
