// SPDX-License-Identifier: GPL-3.0-or-later

public import Serving

/// A result as it is reported: without figures that mean nothing, at its resolution, with reasons.
///
/// Every format is made from this, and limits are judged against it, so that none says what another
/// doesn't. Two keys are added to those of `SimulationResult`: `omitted`, which gives for each
/// figure that is null the reason, and `throughput.saturated`.
public struct ResultDocument: Sendable {
  /// The result, with omitted figures as `nil` and the notices completed.
  public let result: SimulationResult
  /// The tree of values at their resolution.
  public let value: ReportValue
  /// For every figure that isn't reported, its key and the reason.
  public let omitted: [(key: String, reason: String)]

  /// The document of one result.
  public init(_ result: SimulationResult) {
    var reported = result
    let omitted = Self.omit(from: &reported)
    if !reported.steadyState.stable {
      let warning = Self.instabilityWarning(for: reported.steadyState)
      // The reason stands within the warning.
      let reason = reported.steadyState.reason
      reported.notices.removeAll { $0 == warning || $0 == reason }
      reported.notices.insert(warning, at: 0)
    }
    var nonFinite: [String] = []
    var tree = Self.tree(of: reported).roundedToResolution(nonFinite: &nonFinite)
    for key in nonFinite {
      let notice = "\(key) came out as no finite number and is reported as null"
      if !reported.notices.contains(notice) { reported.notices.append(notice) }
    }
    if reported.uncertainty == nil { tree.remove("uncertainty") }
    if reported.devices == nil { tree.remove("devices") }
    if reported.speculation == nil { tree.remove("speculation") }
    if reported.keyValueCache == nil { tree.remove("key_value_cache") }
    if reported.fleet == nil { tree.remove("fleet") }
    if reported.history == nil { tree.remove("history") }
    if reported.moeCap == nil { tree.remove("moe_cap") }
    if reported.accuracy == nil { tree.remove("accuracy") }
    if reported.requests.lost == nil, var requests = tree["requests"] {
      requests.remove("lost")
      tree.set("requests", to: requests)
    }
    tree.set("notices", to: .list(reported.notices.map(ReportValue.text)))
    tree.set("omitted", to: .object(omitted.map { .init($0.key, .text($0.reason)) }))
    if var throughput = tree["throughput"] {
      throughput.set("saturated", to: .bool(!reported.steadyState.stable))
      tree.set("throughput", to: throughput)
    }
    self.result = reported
    self.value = tree
    self.omitted = omitted
  }

  /// Removes what a run without a steady state can't say, and gives reasons for all that is absent.
  private static func omit(
    from result: inout SimulationResult
  ) -> [(key: String, reason: String)] {
    var omitted: [(key: String, reason: String)] = []
    let nothing = "no request of the measured time has such a value"
    if result.steadyState.stable {
      if result.ttftMs == nil { omitted.append(("ttft_ms", nothing)) }
      if result.e2elMs == nil { omitted.append(("e2el_ms", nothing)) }
      if result.queueMs == nil { omitted.append(("queue_ms", nothing)) }
    } else {
      let detail = result.steadyState.reason.isEmpty ? "" : " (\(result.steadyState.reason))"
      let reason =
        "the run has no steady state\(detail): the longer it runs, the longer requests wait, so a "
        + "mean or percentile says only how long was simulated"
      result.ttftMs = nil
      result.e2elMs = nil
      result.queueMs = nil
      omitted += ["ttft_ms", "e2el_ms", "queue_ms"].map { ($0, reason) }
    }
    if result.tpotMs == nil { omitted.append(("tpot_ms", nothing)) }
    if result.itlMs == nil { omitted.append(("itl_ms", nothing)) }
    if result.throughput.goodputRequestsPerSecond == nil {
      omitted.append(("throughput.goodput_requests_per_second", "the scenario has no slo"))
    }
    return omitted
  }

  /// The sentence that stands first among the notices of a run without a steady state.
  package static func instabilityWarning(for verdict: SimulationResult.SteadyStateVerdict) -> String
  {
    var text = "UNSTABLE: this run has no steady state"
    if !verdict.reason.isEmpty {
      text += ": \(verdict.reason)"
    } else if let offered = verdict.offeredRequestsPerSecond {
      text += ": \(FigureText.number(offered)) requests/s were offered and "
      text += "\(FigureText.number(verdict.completedRequestsPerSecond)) requests/s completed"
    }
    return text
      + ". TTFT, E2EL and queueing times grow for as long as the run lasts and are not reported; "
      + "throughput, TPOT and ITL are those at saturation."
  }

  private static func tree(of result: SimulationResult) -> ReportValue {
    // The record holds only values of the standard library, whose encoding never throws.
    do { return try ReportValue(encoding: result) } catch {
      preconditionFailure("A result's own fields can always be encoded: \(error)")
    }
  }
}
