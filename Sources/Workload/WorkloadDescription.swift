// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// The lengths of prompt and output of a generated workload, drawn apart from each other.
public struct RequestLengths: Hashable, Sendable {
  /// Lengths of prompts, in tokens.
  public var prompt: LengthDistribution
  /// Lengths of outputs, in tokens.
  public var output: LengthDistribution

  /// Creates a pair of distributions.
  public init(prompt: LengthDistribution, output: LengthDistribution) {
    self.prompt = prompt
    self.output = output
  }

  /// Where the draws of the output begin, far behind those of the prompt.
  private static let firstOutputBlock: UInt64 = 1 << 32

  /// Prompt and output of one request. Each has draws of its own, so that changing the one
  /// distribution leaves the other's lengths as they were.
  func draw(seed: UInt64, replication: UInt32, request: UInt64) -> (Int32, Int32) {
    var promptStream = RandomStream(
      seed: seed, replication: replication, purpose: .lengths, entity: request)
    var outputStream = promptStream
    outputStream.seek(block: Self.firstOutputBlock)
    return (prompt.draw(from: &promptStream), output.draw(from: &outputStream))
  }
}

/// What traffic a run serves: a recorded trace, or arrivals and lengths by distribution, or one of
/// each.
public struct WorkloadDescription: Hashable, Sendable {
  /// The path of a recorded trace. It gives whatever `arrivals` and `lengths` do not.
  public var trace: String?
  /// The format of the trace, where it is not to be recognised.
  public var format: RequestTraceFormat?
  /// When requests are sent, unless the trace says so.
  public var arrivals: ArrivalProcess?
  /// How long they are, unless the trace says so.
  public var lengths: RequestLengths?
  /// What the arrival rate is multiplied by: a trace of 5 requests per second at 0.1 becomes one of
  /// 1 request in 2 seconds. Divides the thinking times of a closed loop.
  public var rateScale: Double = 1
  /// How many requests are sent at most; `nil` for all of a trace, or without end.
  public var requests: Int?
  /// How many requests at the front of a trace are left out. The clock then starts at the first
  /// that is not.
  public var skip: Int = 0

  /// Which shares of the requests have which priorities, in place of a trace's; all others have 0.
  public var priorities: [PriorityShare] = []

  /// Requests that are known one by one; they are sent in place of a trace. With
  /// ``arrivals`` they come at drawn times, else at their own.
  public var replay: RequestReplay?

  /// Creates a description of requests that are known one by one.
  public init(replaying replay: RequestReplay) {
    self.replay = replay
    requests = replay.requests.count
  }

  /// Creates a description of a recorded workload.
  public init(trace: String) { self.trace = trace }

  /// Creates a description of a generated workload.
  public init(arrivals: ArrivalProcess, lengths: RequestLengths) {
    self.arrivals = arrivals
    self.lengths = lengths
  }

  /// Creates an empty description, to be filled.
  public init() {}

  /// Whether requests follow the completion of earlier ones.
  public var isClosedLoop: Bool {
    if let replay { return replay.users != nil }
    return arrivals?.isClosedLoop ?? false
  }

  /// The stream of requests.
  ///
  /// - Parameters:
  ///   - seed: The seed of the run.
  ///   - replication: Which replication of the run; traces are the same in all.
  /// - Throws: `MissingFile`, a `Diagnostic` with the place of an error in the trace, or a
  ///   ``WorkloadError`` when the description is incomplete.
  public func open(seed: UInt64, replication: UInt32 = 0) throws -> any RequestSource {
    if let replay {
      return ReplayedRequestSource(
        replay, arrivals: arrivals, seed: seed, replication: replication)
    }
    guard rateScale > 0, rateScale.isFinite else {
      throw WorkloadError("workload.rate_scale is \(rateScale); a positive number is expected")
    }
    guard trace != nil || (arrivals != nil && lengths != nil) else {
      throw WorkloadError("a workload needs a trace, or both arrivals and lengths")
    }
    // A trace that gives neither arrivals nor lengths is not opened.
    let isTraceUsed = arrivals == nil || lengths == nil
    let reader =
      try isTraceUsed ? trace.map { try RequestTraceReader(path: $0, format: format) } : nil
    if case .closedLoop(let users, let think)? = arrivals {
      return try ClosedLoopRequestSource(
        self, users: users, think: think, reader: reader, seed: seed, replication: replication)
    }
    return try OpenRequestSource(self, reader: reader, seed: seed, replication: replication)
  }

  var requestLimit: UInt64 { requests.map { UInt64(max($0, 0)) } ?? .max }
}
