// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

extension ServingEngine {
  /// The time in which tokens are drafted behind the step under way [ns]; 0 without a draft.
  ///
  /// - Parameter computed: The time that the device computes in the step [ns].
  mutating func draftNanoseconds(computed: UInt64) -> UInt64 {
    guard let speculation = configuration.batching.speculation else { return 0 }
    switch speculation.draft {
    case .share(let share):
      return UInt64((Double(computed) * share * Double(speculation.draftTokens)).rounded())
    case .model: return draftCosts!.nanoseconds(behind: batch.entries)
    }
  }

  /// What speculative decoding gave.
  func speculationReport() -> SimulationResult.SpeculationReport? {
    guard let model = batch.acceptance else { return nil }
    var report = SimulationResult.SpeculationReport()
    report.verifications = model.verifications
    report.draftedTokens = model.verifications * Int64(model.draftTokens)
    report.acceptedTokens = model.acceptedTokens
    if model.verifications > 0 {
      report.meanAcceptedLength =
        1 + Double(model.acceptedTokens) / Double(model.verifications)
    }
    return report
  }
}
