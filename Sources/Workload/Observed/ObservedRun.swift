// SPDX-License-Identifier: GPL-3.0-or-later

/// A measured serving run, read from what its benchmark wrote.
public struct ObservedRun: Sendable {
  /// From which instant latencies of requests count.
  public enum Origin: String, Sendable {
    /// From when the client sent the request.
    case arrival
    /// From when the engine's scheduler took it up, the end of the step during which it arrived.
    case queued
  }

  /// When requests were sent.
  public enum Arrivals: Hashable, Sendable {
    /// At the times that every request carries.
    case recorded
    /// All at the start.
    case allAtOnce
    /// By so many users, each with one request at a time.
    case closedLoop(users: Int)
    /// At random with this rate per second and burstiness; the times themselves were not written.
    case random(rate: Double, burstiness: Double)
    /// The file does not say.
    case unknown
  }

  /// The file.
  public var file: String
  /// Its format.
  public var format: ObservedFormat
  /// The requests that were answered, in the order in which they are sent.
  public var requests: [ObservedRequest] = []
  /// Requests that are not among ``requests``: failed, cancelled, or of a warm-up.
  public var leftOut = 0
  /// From which instant latencies count.
  public var origin = Origin.arrival
  /// When requests were sent.
  public var arrivals = Arrivals.recorded
  /// Times between consecutive tokens of one request [ms], of all requests together; empty where they
  /// were not written.
  public var interTokenMs: [Double] = []
  /// From the first arrival to the last token [s], where that is known.
  public var durationSeconds: Double?
  /// The statistics, where the file holds no single requests.
  public var summary: ObservedSummary?
  /// What a reader must know of the file.
  public var notices: [String] = []

  init(file: String, format: ObservedFormat) {
    self.file = file
    self.format = format
  }

  /// How many requests were answered.
  public var requestCount: Int { summary?.requestCount ?? requests.count }

  /// The same requests as a workload for a simulation.
  ///
  /// - Parameter users: Users of a closed loop who send them, in place of how they were sent.
  public func workload(users: Int? = nil) -> WorkloadDescription {
    let arrivals = users.map { Arrivals.closedLoop(users: $0) } ?? self.arrivals
    if let summary {
      var description = WorkloadDescription(
        arrivals: Self.process(arrivals),
        lengths: RequestLengths(prompt: summary.promptLengths, output: summary.outputLengths))
      description.requests = summary.requestCount
      return description
    }
    var list: [Request] = []
    for (number, request) in requests.enumerated() {
      let seconds = arrivals == .recorded ? request.arrivalSeconds ?? 0 : 0
      list.append(
        Request(
          number: UInt64(number), arrivalNanoseconds: UInt64((seconds * 1e9).rounded()),
          promptTokens: request.promptTokens, outputTokens: request.outputTokens))
    }
    switch arrivals {
    case .recorded, .allAtOnce, .unknown:
      return WorkloadDescription(replaying: RequestReplay(list))
    case .closedLoop(let users):
      return WorkloadDescription(replaying: RequestReplay(list, users: users))
    case .random:
      var description = WorkloadDescription(replaying: RequestReplay(list))
      description.arrivals = Self.process(arrivals)
      return description
    }
  }

  private static func process(_ arrivals: Arrivals) -> ArrivalProcess {
    switch arrivals {
    case .recorded, .allAtOnce, .unknown: .allAtOnce
    case .closedLoop(let users): .closedLoop(users: users, think: .constant(0))
    case .random(let rate, let burstiness): .gamma(rate: rate, burstiness: burstiness)
    }
  }

  /// Sorts requests by arrival and lets the clock begin with the first.
  mutating func beginClock() {
    let first = requests.compactMap(\.arrivalSeconds).min() ?? 0
    let order = requests.indices.sorted {
      let (left, right) = (requests[$0].arrivalSeconds ?? 0, requests[$1].arrivalSeconds ?? 0)
      return (left, $0) < (right, $1)
    }
    requests = order.map { place in
      var request = requests[place]
      request.arrivalSeconds = request.arrivalSeconds.map { $0 - first }
      return request
    }
  }
}

/// The statistics of a measured run whose single requests are not known.
public struct ObservedSummary: Sendable {
  /// Requests that were answered.
  public var requestCount: Int
  /// Lengths of prompts.
  public var promptLengths: LengthDistribution
  /// Lengths of outputs.
  public var outputLengths: LengthDistribution
  /// Time to first token [ms].
  public var timeToFirstTokenMs: ObservedStatistics?
  /// Time per output token after the first [ms].
  public var timePerOutputTokenMs: ObservedStatistics?
  /// Time to the last token [ms].
  public var endToEndMs: ObservedStatistics?
  /// Requests answered per second.
  public var requestsPerSecond: Double?
  /// Output tokens per second.
  public var outputTokensPerSecond: Double?
}
