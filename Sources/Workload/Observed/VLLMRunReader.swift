// SPDX-License-Identifier: GPL-3.0-or-later

/// Reads the result of `vllm bench serve --save-result --save-detailed` (before: benchmark_serving.py):
/// one JSON object whose lists have one element a request, in the order of sending, times in seconds
/// (vllm-project/vllm, vllm/benchmarks/serve.py).
///
/// `start_times`, when requests were sent, and `latencies` are lists of newer versions. Without the
/// former the setting of the benchmark says how requests came; without the latter the sum of the times
/// between tokens follows the first.
struct VLLMRunReader {
  private struct File: Decodable {
    var inputLens: [Double]?
    var outputLens: [Double]?
    var ttfts: [Double?]?
    var itls: [[Double]?]?
    var latencies: [Double?]?
    var startTimes: [Double]?
    var errors: [String?]?
    var requestRate: Rate?
    var burstiness: Double?
    var maxConcurrency: Double?
    var duration: Double?

    enum CodingKeys: String, CodingKey {
      case inputLens = "input_lens"
      case outputLens = "output_lens"
      case ttfts, itls, latencies, errors, burstiness, duration
      case startTimes = "start_times"
      case requestRate = "request_rate"
      case maxConcurrency = "max_concurrency"
    }
  }

  /// A rate, which is "inf" where all requests are sent at once.
  private struct Rate: Decodable {
    var perSecond: Double

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        perSecond = number
      } else {
        let text = try container.decode(String.self)
        guard let number = Double(text) else {
          throw DecodingError.typeMismatch(
            Double.self,
            .init(codingPath: decoder.codingPath, debugDescription: "no number or \"inf\""))
        }
        perSecond = number
      }
    }
  }

  private let document: ObservedDocument

  init(_ document: ObservedDocument) { self.document = document }

  func read() throws -> ObservedRun {
    let file = try document.decode(File.self)
    guard let input = file.inputLens, let output = file.outputLens, let itls = file.itls,
      let ttfts = file.ttfts
    else {
      let lists = [
        ("input_lens", file.inputLens == nil), ("output_lens", file.outputLens == nil),
        ("ttfts", file.ttfts == nil), ("itls", file.itls == nil),
      ]
      let missing = lists.first { $0.1 }?.0 ?? ""
      throw document.diagnostic(
        missing, "is missing; run the benchmark with --save-result --save-detailed, which writes it"
      )
    }
    try checkLengths(of: file, count: input.count)
    var run = ObservedRun(file: document.file, format: .vllm)
    for index in input.indices {
      let failed = !(file.errors?[index] ?? "").isEmpty || output[index] == 0
      guard !failed else {
        run.leftOut += 1
        continue
      }
      try append(index, file, (input[index], output[index], ttfts[index], itls[index]), to: &run)
    }
    run.durationSeconds = file.duration
    if file.startTimes != nil {
      run.beginClock()
    } else {
      try setArrivals(of: &run, file)
    }
    return run
  }

  private func append(
    _ index: Int, _ file: File,
    _ values: (input: Double, output: Double, ttft: Double?, itls: [Double]?),
    to run: inout ObservedRun
  ) throws {
    let check = { (value: Double, key: String) throws -> Double in
      guard value.isFinite, value >= 0, value < 1e9 else {
        throw document.diagnostic(key, "is \(value); seconds from 0 on are expected")
      }
      return value
    }
    var gaps = 0.0
    for (place, gap) in (values.itls ?? []).enumerated() {
      gaps += try check(gap, "itls[\(index)][\(place)]")
      run.interTokenMs.append(gap * 1e3)
    }
    // An endpoint that does not stream gives no first token; the benchmark writes 0.
    let ttft = try values.ttft.map { try check($0, "ttfts[\(index)]") }.flatMap {
      $0 > 0 ? $0 : nil
    }
    let latency: Double
    if let written = file.latencies?[index] {
      latency = try check(written, "latencies[\(index)]")
    } else if let ttft {
      latency = ttft + gaps
    } else {
      throw document.diagnostic(
        "ttfts[\(index)]",
        "is no time above 0, and there are no latencies: the request is not timed")
    }
    run.requests.append(
      ObservedRequest(
        id: "\(index)", arrivalSeconds: file.startTimes?[index],
        promptTokens: try tokens(values.input, "input_lens[\(index)]"),
        outputTokens: try tokens(values.output, "output_lens[\(index)]"),
        timeToFirstTokenMs: ttft.map { $0 * 1e3 }, endToEndMs: latency * 1e3))
  }

  private func tokens(_ value: Double, _ key: String) throws -> Int32 {
    guard value >= 1, value <= Double(RequestLimits.maximumTokens), value == value.rounded() else {
      throw document.diagnostic(
        key, "is \(value); a whole number of 1 to \(RequestLimits.maximumTokens) tokens is expected"
      )
    }
    return Int32(value)
  }

  private func checkLengths(of file: File, count: Int) throws {
    let lists: [(key: String, count: Int?)] = [
      ("output_lens", file.outputLens?.count), ("ttfts", file.ttfts?.count),
      ("itls", file.itls?.count), ("latencies", file.latencies?.count),
      ("start_times", file.startTimes?.count), ("errors", file.errors?.count),
    ]
    for list in lists {
      if let found = list.count, found != count {
        throw document.diagnostic(
          list.key, "has \(found) elements; input_lens has \(count), one for each request")
      }
    }
    for (index, start) in (file.startTimes ?? []).enumerated() where !start.isFinite {
      throw document.diagnostic("start_times[\(index)]", "is \(start); seconds are expected")
    }
  }

  /// Takes arrivals from the benchmark's setting.
  private func setArrivals(of run: inout ObservedRun, _ file: File) throws {
    if let users = file.maxConcurrency {
      guard users >= 1, users <= 1e6, users == users.rounded() else {
        throw document.diagnostic(
          "max_concurrency", "is \(users); a whole number of 1 to 1000000 users is expected")
      }
      run.arrivals = .closedLoop(users: Int(users))
      run.notices.append(
        "start_times are not recorded: \(Int(users)) users (max_concurrency) send the requests, each"
          + " as soon as an answer is there")
      return
    }
    guard let rate = file.requestRate?.perSecond else {
      run.arrivals = .unknown
      return
    }
    if rate.isInfinite {
      run.arrivals = .allAtOnce
      return
    }
    guard rate >= 1e-9, rate <= 1e9 else {
      throw document.diagnostic("request_rate", "is \(rate); a rate above 0 or \"inf\" is expected")
    }
    let burstiness = file.burstiness ?? 1
    guard burstiness >= 1e-4, burstiness <= 1e6 else {
      throw document.diagnostic("burstiness", "is \(burstiness); a number above 0 is expected")
    }
    run.arrivals = .random(rate: rate, burstiness: burstiness)
    run.notices.append(
      "start_times are not recorded: arrivals are drawn at \(rate) requests/s with burstiness"
        + " \(burstiness), so that single requests do not correspond")
  }
}
