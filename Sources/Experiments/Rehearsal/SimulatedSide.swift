// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Residency
import Serving

extension RehearsalReport.Side {
  /// What a simulation's decisions and timeline say.
  init(_ log: DecisionCollector, slices: SliceCollector, expertBytes: Int) {
    self.init()
    for access in log.accesses {
      for member in access.members {
        switch member.found {
        case .hit: hits += 1
        case .late: late += 1
        case .miss: misses += 1
        case .streamed: streamed += 1
        case .host: break
        }
      }
    }
    for decision in log.decisions {
      if case .prefetch = decision.event { prefetched += 1 }
    }
    bytes = Int64(misses + streamed + prefetched) * Int64(expertBytes)
    let windows = Self.decodeWindows(log.decisions)
    setTimes(windows.map { Double($0.end - $0.start) * 1e-6 })
    addStages(slices, windows: windows)
  }

  /// The spans of the steps that compute output tokens alone [ns].
  private static func decodeWindows(_ decisions: [Decision]) -> [(start: UInt64, end: UInt64)] {
    var windows: [(start: UInt64, end: UInt64)] = []
    var start: UInt64?
    for decision in decisions {
      switch decision.event {
      case .step(let step):
        let isDecode = step.sequences.allSatisfy { $0.tokens == $0.outputs }
        start = isDecode ? decision.nanoseconds : nil
      case .stepEnd:
        if let start { windows.append((start, decision.nanoseconds)) }
        start = nil
      default: break
      }
    }
    return windows
  }

  /// Sums the compute stream's slices in the windows by what they did; the rest is waiting.
  private mutating func addStages(
    _ collector: SliceCollector, windows: [(start: UInt64, end: UInt64)]
  ) {
    guard !windows.isEmpty else { return }
    let names = RehearsalRecord.Stage.allCases
    var sums = [Double](repeating: 0, count: names.count)
    var window = 0
    var busy = 0.0
    for slice in collector.slices where collector.tracks[slice.track].thread == "compute" {
      while window < windows.count, slice.start >= windows[window].end { window += 1 }
      guard window < windows.count else { break }
      guard slice.start >= windows[window].start else { continue }
      let milliseconds = Double(slice.end - slice.start) * 1e-6
      busy += milliseconds
      sums[Self.stage(slice.name).rawValue] += milliseconds
    }
    let total = windows.reduce(0) { $0 + Double($1.end - $1.start) * 1e-6 }
    sums[RehearsalRecord.Stage.waiting.rawValue] = max(0, total - busy)
    stagesMs = names.map { .init(name: $0.name, ms: sums[$0.rawValue] / Double(windows.count)) }
  }

  private static func stage(_ name: String) -> RehearsalRecord.Stage {
    switch name {
    case "attention": .attention
    case "dense feed-forward": .dense
    case "gate": .gate
    case "shared experts": .shared
    case "expert", "experts": .experts
    case "combine": .combine
    case "head": .head
    default: .other
    }
  }

  /// What an execution did.
  init(_ record: RehearsalRecord) {
    self.init()
    hits = record.hits + record.late
    late = record.expectedLate + record.early
    misses = record.misses
    streamed = record.streamed
    prefetched = record.prefetched
    bytes = Int64(record.bytes)
    let steps = record.steps.filter(\.isDecode)
    setTimes(steps.map { ($0.end - $0.start) * 1e3 })
    guard !steps.isEmpty else { return }
    stagesMs = RehearsalRecord.Stage.allCases.map { stage in
      .init(
        name: stage.name,
        ms: steps.reduce(0) { $0 + $1.stages[stage.rawValue] } * 1e3 / Double(steps.count))
    }
    // What lies between the stages: deciding, handing in reads, keeping the books.
    let rest = meanMs - stagesMs.reduce(0) { $0 + $1.ms }
    stagesMs[RehearsalRecord.Stage.other.rawValue].ms += max(0, rest)
  }

  private mutating func setTimes(_ milliseconds: [Double]) {
    decodeSteps = milliseconds.count
    guard !milliseconds.isEmpty else { return }
    meanMs = milliseconds.reduce(0, +) / Double(milliseconds.count)
    let sorted = milliseconds.sorted()
    medianMs =
      sorted.count % 2 == 1
      ? sorted[sorted.count / 2]
      : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
  }
}
