// SPDX-License-Identifier: GPL-3.0-or-later

/// How far a run has come: arrivals, completions, where the warm-up ends, and whether the queue
/// keeps growing.
struct RunProgress {
  private(set) var arrivals = 0
  private(set) var completions = 0
  var rejected = 0
  private(set) var completedPromptTokens: Int64 = 0
  private(set) var completedOutputTokens: Int64 = 0
  private(set) var firstArrival: UInt64 = 0
  private(set) var lastArrival: UInt64 = 0
  private(set) var lastCompletion: UInt64 = 0
  /// When the warm-up ended [ns].
  private(set) var measuredFrom: UInt64 = 0
  private(set) var completionsBeforeMeasuring = 0
  /// Whether the warm-up is over.
  private(set) var isWarm: Bool
  private let warmUp: RunOptions.WarmUp
  private let automaticRequests: Int
  private let batchSize: Int
  private var queueTrend = Trend()
  /// Requests waiting, as arriving requests find them.
  private var backlogTrend = Trend()
  private var service = (count: 0, seconds: 0.0)
  /// Set when the completion just told ends the warm-up.
  private(set) var warmUpEndsNow = false

  init(options: RunOptions, batchSize: Int) {
    self.batchSize = batchSize
    warmUp = options.warmUp
    isWarm = options.warmUp == .none
    automaticRequests = min(batchSize, (options.expectedRequests ?? .max) / 10)
    if case .automatic = options.warmUp, automaticRequests == 0 { isWarm = true }
  }

  /// A request has arrived.
  mutating func arrived(at now: UInt64, waiting: Int) {
    if arrivals == 0 { firstArrival = now }
    arrivals += 1
    lastArrival = now
    backlogTrend.add(x: Double(now) * 1e-9, y: Double(waiting))
  }

  /// A request has got its last token.
  mutating func completed(_ sequence: SequenceState, now: UInt64, batchSize: Int) {
    completions += 1
    lastCompletion = now
    completedPromptTokens += Int64(sequence.request.promptTokens)
    completedOutputTokens += Int64(sequence.produced)
    let arrival = Double(sequence.request.arrivalNanoseconds) * 1e-9
    let wait = Double(sequence.scheduled - sequence.request.arrivalNanoseconds) * 1e-9
    queueTrend.add(x: arrival, y: wait)
    service.count += 1
    service.seconds += Double(now - sequence.scheduled) * 1e-9
    if !isWarm && warmUpIsOver(now: now) {
      warmUpEndsNow = true
      isWarm = true
    }
  }

  /// A step has ended; a warm-up that ends at an instant ends with the first step past it.
  mutating func stepEnded(now: UInt64) {
    guard !isWarm, case .seconds = warmUp, warmUpIsOver(now: now) else { return }
    warmUpEndsNow = true
    isWarm = true
  }

  private func warmUpIsOver(now: UInt64) -> Bool {
    switch warmUp {
    case .none: true
    case .automatic: completions >= automaticRequests
    case .requests(let count): completions >= count
    case .seconds(let seconds): Double(now) * 1e-9 >= seconds
    }
  }

  /// Begins the measured time.
  mutating func measure(from now: UInt64) {
    measuredFrom = now
    completionsBeforeMeasuring = completions
    warmUpEndsNow = false
  }

  /// Whether the queue kept growing while requests arrived, and the sentence that says so.
  ///
  /// The waits of requests are regressed on their arrival times. Below capacity the slope is zero on
  /// average; above it, waits grow by ρ − 1 seconds a second. The run counts as unstable when the
  /// line explains half of the variance, and the rise over the arrivals' span exceeds three mean
  /// service times, or one where waits grow by more than a quarter of a second a second. Where
  /// requests are left unserved when a run ends, their waits are not known: the number waiting is
  /// regressed instead, against three batches.
  func verdict(isClosedLoop: Bool) -> SimulationResult.SteadyStateVerdict {
    let span = Double(lastArrival - firstArrival) * 1e-9
    let offered = span > 0 && arrivals > 1 ? Double(arrivals - 1) / span : nil
    let busySpan = Double(lastCompletion - min(firstArrival, lastCompletion)) * 1e-9
    let completed = busySpan > 0 ? Double(completions) / busySpan : 0
    var reason = ""
    if !isClosedLoop, completions >= 8, let offered {
      let rise = queueTrend.slope * span
      let meanService = service.seconds / Double(max(1, service.count))
      let grows =
        rise > 3 * meanService || (queueTrend.slope > 0.25 && rise > meanService)
      if grows && queueTrend.determination > 0.5 {
        reason =
          "load exceeds capacity: \(short(offered)) requests/s arrive, \(short(completed)) "
          + "requests/s complete, and waiting grows by \(short(queueTrend.slope)) s each second"
      }
    }
    if reason.isEmpty, !isClosedLoop, completions + rejected < arrivals, arrivals >= 8, let offered
    {
      let rise = backlogTrend.slope * span
      if rise > 3 * Double(batchSize) && backlogTrend.determination > 0.5 {
        reason =
          "load exceeds capacity: \(short(offered)) requests/s arrive, \(short(completed)) "
          + "requests/s complete, and \(short(backlogTrend.slope)) more wait each second"
      }
    }
    return .init(
      stable: reason.isEmpty, offeredRequestsPerSecond: isClosedLoop ? nil : offered,
      completedRequestsPerSecond: completed, reason: reason)
  }

  private func short(_ value: Double) -> String {
    guard value != 0, value.isFinite else { return "0" }
    var text = "\((value * 1000).rounded() / 1000)"
    if value < 0.01 { text = "\((value * 1e6).rounded() / 1e6)" }
    return text
  }
}

/// A least-squares line through points that are not kept.
private struct Trend {
  private var count = 0.0
  private var meanX = 0.0
  private var meanY = 0.0
  private var sumXX = 0.0
  private var sumXY = 0.0
  private var sumYY = 0.0

  mutating func add(x: Double, y: Double) {
    count += 1
    let dx = x - meanX
    let dy = y - meanY
    meanX += dx / count
    meanY += dy / count
    sumXX += dx * (x - meanX)
    sumXY += dx * (y - meanY)
    sumYY += dy * (y - meanY)
  }

  var slope: Double { sumXX > 0 ? sumXY / sumXX : 0 }
  /// The share of the variance that the line explains.
  var determination: Double { sumXX > 0 && sumYY > 0 ? sumXY * sumXY / (sumXX * sumYY) : 0 }
}
