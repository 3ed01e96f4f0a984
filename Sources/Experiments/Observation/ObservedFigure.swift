// SPDX-License-Identifier: GPL-3.0-or-later

import Serving
import Workload

/// The figures of requests that are compared.
public enum ObservedFigure: String, CaseIterable, Sendable {
  /// Time to first token.
  case ttft = "ttft_ms"
  /// Time per output token after the first, one value a request.
  case tpot = "tpot_ms"
  /// Time between consecutive tokens, one value a token.
  case itl = "itl_ms"
  /// Time to the last token.
  case endToEnd = "e2el_ms"
  /// Time between being queued and being scheduled.
  case queue = "queue_ms"

  /// How tables call it.
  public var title: String {
    switch self {
    case .ttft: "TTFT"
    case .tpot: "TPOT"
    case .itl: "ITL"
    case .endToEnd: "E2EL"
    case .queue: "Queue"
    }
  }

  /// The measured value of one request [ms]; `nil` where it is not known, and of ``itl``, which has
  /// one a token.
  public func value(of request: ObservedRequest) -> Double? {
    switch self {
    case .ttft: request.timeToFirstTokenMs
    case .tpot: request.timePerOutputTokenMs
    case .itl: nil
    case .endToEnd: request.endToEndMs
    case .queue: request.queueMs
    }
  }

  /// The simulated value of one request that was completed [ms].
  public func value(of outcome: RequestOutcome, since origin: ObservedRun.Origin) -> Double? {
    guard outcome.fate == .completed else { return nil }
    let start = origin == .arrival ? outcome.arrival : outcome.queued
    switch self {
    case .ttft: return Double(outcome.firstToken - start) * 1e-6
    case .tpot:
      guard outcome.outputTokens > 1 else { return nil }
      return Double(outcome.lastToken - outcome.firstToken) * 1e-6
        / Double(outcome.outputTokens - 1)
    case .itl: return nil
    case .endToEnd: return Double(outcome.lastToken - start) * 1e-6
    case .queue: return Double(outcome.scheduled - start) * 1e-6
    }
  }
}
