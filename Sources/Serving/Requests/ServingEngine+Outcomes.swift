// SPDX-License-Identifier: GPL-3.0-or-later

import Workload

extension ServingEngine {
  /// Notes that the scheduler now sees what arrived since it last looked.
  mutating func noticeArrivals(now: UInt64) {
    for slot in unnoticed { batch[slot].queued = now }
    unnoticed.removeAll(keepingCapacity: true)
  }

  /// Tells the sink of requests, where there is one, of a sequence that has got its last token.
  mutating func recordOutcome(_ sequence: SequenceState) {
    outcomes?.take(
      RequestOutcome(
        number: sequence.request.number, arrival: sequence.request.arrivalNanoseconds,
        queued: sequence.queued, scheduled: sequence.scheduled, firstToken: sequence.firstToken,
        lastToken: sequence.lastToken, promptTokens: sequence.request.promptTokens,
        outputTokens: Int32(sequence.produced)))
  }

  /// Tells the sink of requests, where there is one, of a request that was refused.
  mutating func recordRejection(_ request: Request) {
    outcomes?.take(
      RequestOutcome(
        number: request.number, arrival: request.arrivalNanoseconds,
        queued: request.arrivalNanoseconds, scheduled: 0, firstToken: 0, lastToken: 0,
        promptTokens: request.promptTokens, outputTokens: 0, fate: .rejected))
  }
}
