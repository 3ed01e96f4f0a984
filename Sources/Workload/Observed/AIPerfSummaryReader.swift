// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// Reads the summary that AIPerf and GenAI-Perf write, profile_export_aiperf.json: a JSON object with
/// a block `{unit, avg, p50, p90, …}` for each figure (ai-dynamo/aiperf, docs/reference/json-export-schema.md).
///
/// Single requests are not in it. The simulation draws lengths from the quantiles that the summary
/// has, and takes how requests come from `input_config`: `concurrency`, or else `request_rate`.
struct AIPerfSummaryReader {
  private let document: ObservedDocument

  init(_ document: ObservedDocument) { self.document = document }

  func read() throws -> ObservedRun {
    guard let parsed = try? JSONSerialization.jsonObject(with: Data(document.bytes)),
      let top = parsed as? [String: Any]
    else { throw document.diagnostic("", "is not a JSON object") }
    let blocks = (top["records"] as? [String: Any]) ?? top
    var run = ObservedRun(file: document.file, format: .aiperfSummary)
    let latency = try statistics("request_latency", in: blocks)
    guard let latency else {
      throw document.diagnostic("request_latency", "is missing; expected {unit, avg, p50, …}")
    }
    let count =
      number(blocks["request_count"], "avg") ?? latency.count.map(Double.init)
      ?? number(blocks["input_sequence_length"], "count")
    guard let count, count >= 1, count <= 1e9 else {
      throw document.diagnostic(
        "request_count", "is missing or below 1; how many requests were answered is not known")
    }
    run.summary = ObservedSummary(
      requestCount: Int(count.rounded()),
      promptLengths: try lengths("input_sequence_length", in: blocks),
      outputLengths: try lengths("output_sequence_length", in: blocks),
      timeToFirstTokenMs: try statistics("time_to_first_token", in: blocks),
      timePerOutputTokenMs: try statistics("inter_token_latency", in: blocks),
      endToEndMs: latency,
      requestsPerSecond: number(blocks["request_throughput"], "avg"),
      outputTokensPerSecond: number(blocks["output_token_throughput"], "avg"))
    run.notices.append(
      "a summary holds no single requests: lengths are drawn from its quantiles, prompt and output"
        + " apart from each other")
    try setArrivals(of: &run, top["input_config"] ?? [String: Any]())
    return run
  }

  private func number(_ block: Any?, _ key: String) -> Double? {
    guard let block = block as? [String: Any], let value = block[key] as? NSNumber,
      value.doubleValue.isFinite
    else { return nil }
    return value.doubleValue
  }

  /// The statistics of a time, in milliseconds.
  private func statistics(
    _ key: String, in blocks: [String: Any]
  ) throws -> ObservedStatistics? {
    guard let block = blocks[key] else { return nil }
    let unit = (block as? [String: Any])?["unit"] as? String ?? ""
    guard let factor = AIPerfUnits.milliseconds(unit) else {
      throw document.diagnostic("\(key).unit", "is '\(unit)'; expected ns, us, ms or s")
    }
    guard number(block, "avg") != nil else {
      throw document.diagnostic("\(key).avg", "is missing or no number")
    }
    let value = { (name: String) in number(block, name).map { $0 * factor } }
    var result = ObservedStatistics()
    result.count = number(block, "count").map { Int($0) }
    result.mean = value("avg")
    result.p50 = value("p50")
    result.p90 = value("p90")
    result.p95 = value("p95")
    result.p99 = value("p99")
    return result
  }

  /// The distribution of a length: straight lines through its quantiles, or its mean alone.
  private func lengths(_ key: String, in blocks: [String: Any]) throws -> LengthDistribution {
    guard let block = blocks[key], let mean = number(block, "avg") else {
      throw document.diagnostic(key, "is missing; without lengths nothing can be simulated")
    }
    guard mean >= 1, mean <= Double(RequestLimits.maximumTokens) else {
      throw document.diagnostic(
        "\(key).avg", "is \(mean); 1 to \(RequestLimits.maximumTokens) tokens are expected")
    }
    let names: [(String, Double)] = [
      ("min", 0), ("p1", 0.01), ("p5", 0.05), ("p10", 0.1), ("p25", 0.25), ("p50", 0.5),
      ("p75", 0.75), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("max", 1),
    ]
    let quantiles = names.compactMap { name, share in
      number(block, name).map { (probability: share, value: $0) }
    }
    if let empirical = EmpiricalLengths(quantiles: quantiles) {
      return LengthDistribution(.empirical(empirical))
    }
    return LengthDistribution(.constant(mean.rounded()))
  }

  private func setArrivals(of run: inout ObservedRun, _ configuration: Any) throws {
    let users = values(of: "concurrency", in: configuration).filter { $0 >= 1 && $0 <= 1e6 }
    if let first = users.first {
      guard users.allSatisfy({ $0 == first }) else {
        run.notices.append("input_config names several concurrencies: \(list(users))")
        run.arrivals = .unknown
        return
      }
      run.arrivals = .closedLoop(users: Int(first))
      run.notices.append(
        "\(Int(first)) users (concurrency) send the requests, each after an answer")
      return
    }
    let rates = values(of: "request_rate", in: configuration).filter { $0 >= 1e-9 && $0 <= 1e9 }
    if let first = rates.first {
      guard rates.allSatisfy({ $0 == first }) else {
        throw document.diagnostic(
          "input_config",
          "names several request rates (\(list(rates))); a file of one run is expected"
        )
      }
      run.arrivals = .random(rate: first, burstiness: 1)
      run.notices.append("arrivals are drawn at \(first) requests/s (request_rate)")
      return
    }
    run.arrivals = .unknown
  }

  private func list(_ values: [Double]) -> String {
    values.map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" }.joined(separator: ", ")
  }

  /// All numbers under a key, at any depth, in the order of the keys.
  private func values(of key: String, in tree: Any) -> [Double] {
    if let object = tree as? [String: Any] {
      return object.keys.sorted().flatMap { name -> [Double] in
        if name == key, let number = object[name] as? NSNumber { return [number.doubleValue] }
        return values(of: key, in: object[name] ?? [])
      }
    }
    if let array = tree as? [Any] { return array.flatMap { values(of: key, in: $0) } }
    return []
  }
}
