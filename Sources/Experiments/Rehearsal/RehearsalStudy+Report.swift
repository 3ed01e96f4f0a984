// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Residency
import Serving

extension RehearsalStudy {
  /// The report of an execution, without what the machine was measured at.
  func report(
    simulated: RehearsalReport.Side, record: RehearsalRecord, log: DecisionCollector,
    isLive: Bool, slots: Int
  ) -> RehearsalReport {
    let side = RehearsalReport.Side(record)
    let settings = options.settings
    let place = settings.source == .drive ? "the drive" : "memory"
    let pace = settings.pace.map { ", held to \(($0 / 1e5).rounded() / 10) MB/s" } ?? ""
    let measured = RehearsalReport.Measured(
      execution: side, meanError: Self.error(simulated.meanMs, side.meanMs),
      medianError: Self.error(simulated.medianMs, side.medianMs), lateInExecution: record.late,
      earlyInExecution: record.early, collisions: record.collisions,
      readRate: record.readSeconds > 0 ? Double(record.bytes) / record.readSeconds : 0, drift: [],
      largestDrift: 0, attempts: 1, products: "", source: place + pace)
    var notices = self.notices + configuration.notices
    if !isLive && record.late + record.early > 0 {
      notices.append(
        "the execution followed the simulation's decisions; \(record.late) experts that these call"
          + " hits were still on their way when they were asked for, and \(record.early) that these"
          + " call late had come")
    }
    return RehearsalReport(
      scenario: configuration.name, seed: configuration.run.seed, model: model.name,
      policy: configuration.policy.name, decisions: isLive ? "live" : "simulated", slots: slots,
      expertBytes: Int64(model.expertBytes), simulated: simulated, measured: measured,
      accessesAreEqual: record.accesses == log.accesses,
      hitsAreEqual: side.hits == simulated.hits && side.misses == simulated.misses,
      bytesAreEqual: side.bytes == simulated.bytes, contentIsRight: true, notices: notices)
  }

  private static func error(_ simulated: Double, _ measured: Double) -> Double {
    measured > 0 ? simulated / measured - 1 : 0
  }

  /// The figures of the machine that matter here, before and after. Gates, norms and attention over
  /// short contexts take microseconds, which no drift of theirs makes matter.
  func drift(
    _ before: [KernelMeasurement], _ after: [KernelMeasurement]
  ) -> [RehearsalReport.Drift] {
    zip(before, after).compactMap { first, second in
      let figure: String
      switch first.kernel {
      case .fusedExperts: figure = "one expert"
      case .read: figure = "reading one expert"
      case .gemv where first.n == model.vocabulary: figure = "head"
      default: return nil
      }
      // A paced link is slower than the drive behind it, whose drift then does not matter.
      if first.kernel == .read, let pace = options.settings.pace {
        let paced = Double(model.expertBytes) / pace
        if first.median < paced && second.median < paced { return nil }
      }
      return .init(
        figure: figure, beforeMs: first.median * 1e3, afterMs: second.median * 1e3,
        change: second.median / first.median - 1)
    }
  }
}
