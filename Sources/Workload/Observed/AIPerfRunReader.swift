// SPDX-License-Identifier: GPL-3.0-or-later

/// Reads AIPerf's records, profile_export.jsonl: a JSON object a line with `metadata`, `metrics` and
/// `error` (ai-dynamo/aiperf, docs/tutorials/working-with-profile-exports.md).
///
/// Requests that failed or were cancelled, and those of a warm-up, are left out. `inter_chunk_latency`
/// lists the times between tokens where responses were streamed.
struct AIPerfRunReader {
  private struct Line: Decodable {
    var metadata: Metadata
    var metrics: [String: Metric]?
    var error: Anything?
  }

  private struct Metadata: Decodable {
    var requestStart: Int64
    var requestEnd: Int64?
    var phase: String?
    var wasCancelled: Bool?
    var requestID: String?

    enum CodingKeys: String, CodingKey {
      case requestStart = "request_start_ns"
      case requestEnd = "request_end_ns"
      case phase = "benchmark_phase"
      case wasCancelled = "was_cancelled"
      case requestID = "x_request_id"
    }
  }

  /// Anything that is not null.
  private struct Anything: Decodable {
    init(from decoder: any Decoder) {}
  }

  /// A value or a list of values, with its unit; other forms are of metrics that nobody asks for.
  private struct Metric: Decodable {
    var values: [Double] = []
    var isList = false
    var unit = ""

    enum CodingKeys: CodingKey {
      case value, unit
    }

    init(from decoder: any Decoder) throws {
      guard let container = try? decoder.container(keyedBy: CodingKeys.self) else { return }
      unit = (try? container.decode(String.self, forKey: .unit)) ?? ""
      if let number = try? container.decode(Double.self, forKey: .value) {
        values = [number]
      } else if let list = try? container.decode([Double].self, forKey: .value) {
        (values, isList) = (list, true)
      }
    }
  }

  private let document: ObservedDocument

  init(_ document: ObservedDocument) { self.document = document }

  func read() throws -> ObservedRun {
    var run = ObservedRun(file: document.file, format: .aiperf)
    var origin: Int64?
    var (first, last) = (Int64.max, Int64.min)
    try document.forEachLine(as: Line.self) { line, place in
      let phase = line.metadata.phase ?? "profiling"
      guard phase == "profiling", line.error == nil, line.metadata.wasCancelled != true else {
        run.leftOut += 1
        return
      }
      let metrics = line.metrics ?? [:]
      let start = line.metadata.requestStart
      if origin == nil { origin = start }
      let output = try number(metrics, "output_sequence_length", place)
      guard output >= 1 else {
        run.leftOut += 1
        return
      }
      let latency = try milliseconds(metrics, "request_latency", place)
      var ttft: Double?
      if metrics["time_to_first_token"] != nil {
        ttft = try milliseconds(metrics, "time_to_first_token", place)
      }
      if let gaps = metrics["inter_chunk_latency"], gaps.isList {
        let factor = try factor(gaps.unit, "inter_chunk_latency", place)
        for gap in gaps.values {
          run.interTokenMs.append(
            try place.span(gap * factor, "metrics.inter_chunk_latency.value"))
        }
      }
      run.requests.append(
        ObservedRequest(
          id: line.metadata.requestID ?? "\(run.requests.count)",
          arrivalSeconds: Double(start - (origin ?? start)) * 1e-9,
          promptTokens: try place.tokens(
            try number(metrics, "input_sequence_length", place), "metrics.input_sequence_length"),
          outputTokens: try place.tokens(output, "metrics.output_sequence_length"),
          timeToFirstTokenMs: ttft, endToEndMs: latency))
      first = min(first, start)
      last = max(last, start + Int64((latency * 1e6).rounded()))
    }
    if last > first { run.durationSeconds = Double(last - first) * 1e-9 }
    run.beginClock()
    return run
  }

  private func number(
    _ metrics: [String: Metric], _ key: String, _ place: ObservedLine
  ) throws -> Double {
    guard let metric = metrics[key] else {
      throw place.diagnostic("metrics.\(key)", "is missing; every answered request has one")
    }
    guard metric.values.count == 1, !metric.isList else {
      throw place.diagnostic("metrics.\(key)", "holds no number under value")
    }
    return metric.values[0]
  }

  private func milliseconds(
    _ metrics: [String: Metric], _ key: String, _ place: ObservedLine
  ) throws -> Double {
    let value = try number(metrics, key, place)
    return try place.span(
      value * factor(metrics[key]?.unit ?? "", key, place), "metrics.\(key).value")
  }

  private func factor(_ unit: String, _ key: String, _ place: ObservedLine) throws -> Double {
    guard let factor = AIPerfUnits.milliseconds(unit) else {
      throw place.diagnostic("metrics.\(key).unit", "is '\(unit)'; expected ns, us, ms or s")
    }
    return factor
  }
}

/// The units of time that AIPerf and GenAI-Perf write.
enum AIPerfUnits {
  /// The milliseconds in a unit of time, or `nil` when it is none.
  static func milliseconds(_ unit: String) -> Double? {
    switch unit {
    case "ns", "nanoseconds": 1e-6
    case "us", "microseconds": 1e-3
    case "ms", "milliseconds": 1
    case "s", "sec", "seconds": 1e3
    default: nil
    }
  }
}
