// SPDX-License-Identifier: GPL-3.0-or-later

/// Reads requests as LLMServingSim's recorder writes them: a JSON object a line with the time stamps
/// of vLLM's engine (github.com/casys-kaist/LLMServingSim).
///
/// `arrival_time` is the client's clock, the other four are the engine's. The engine stamps a request
/// as queued when its scheduler takes it up between two steps; TTFT and latency count from there, as
/// LLMServingSim's own comparison counts them.
struct LLMServingSimRunReader {
  private struct Line: Decodable {
    var requestID: String?
    var inputTokens: Double
    var outputTokens: Double
    var arrival: Double?
    var queued: Double
    var scheduled: Double
    var firstToken: Double
    var lastToken: Double

    enum CodingKeys: String, CodingKey {
      case requestID = "request_id"
      case inputTokens = "input_toks"
      case outputTokens = "output_toks"
      case arrival = "arrival_time"
      case queued = "queued_ts"
      case scheduled = "scheduled_ts"
      case firstToken = "first_token_ts"
      case lastToken = "last_token_ts"
    }
  }

  private let document: ObservedDocument

  init(_ document: ObservedDocument) { self.document = document }

  func read() throws -> ObservedRun {
    var run = ObservedRun(file: document.file, format: .llmservingsim)
    run.origin = .queued
    var (first, last) = (Double.infinity, -Double.infinity)
    var recordsArrivals: Bool?
    try document.forEachLine(as: Line.self) { line, place in
      if recordsArrivals == nil { recordsArrivals = line.arrival != nil }
      if (line.arrival != nil) != recordsArrivals {
        throw place.diagnostic("arrival_time", "stands in some lines and not in others")
      }
      try check(line, place)
      run.requests.append(
        ObservedRequest(
          id: line.requestID ?? "\(run.requests.count)",
          arrivalSeconds: line.arrival ?? line.queued,
          promptTokens: try place.tokens(line.inputTokens, "input_toks"),
          outputTokens: try place.tokens(line.outputTokens, "output_toks"),
          timeToFirstTokenMs: (line.firstToken - line.queued) * 1e3,
          endToEndMs: (line.lastToken - line.queued) * 1e3,
          queueMs: (line.scheduled - line.queued) * 1e3))
      first = min(first, line.queued)
      last = max(last, line.lastToken)
    }
    run.durationSeconds = last > first ? last - first : nil
    run.beginClock()
    if recordsArrivals == false {
      run.notices.append("arrival_time is not recorded: requests arrive when they were queued")
    }
    return run
  }

  private func check(_ line: Line, _ place: ObservedLine) throws {
    let stamps = [
      ("queued_ts", line.queued), ("scheduled_ts", line.scheduled),
      ("first_token_ts", line.firstToken), ("last_token_ts", line.lastToken),
    ]
    for (key, value) in stamps { _ = try place.span(value, key) }
    if let arrival = line.arrival, !arrival.isFinite {
      throw place.diagnostic("arrival_time", "is \(arrival); seconds are expected")
    }
    for (earlier, later) in zip(stamps, stamps.dropFirst()) where later.1 < earlier.1 {
      throw place.diagnostic(
        later.0,
        "is \(later.1), before \(earlier.0), \(earlier.1); a request is queued, scheduled,"
          + " and gets its first and last token in that order")
    }
  }
}
