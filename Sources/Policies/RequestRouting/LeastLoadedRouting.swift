// SPDX-License-Identifier: GPL-3.0-or-later

public import RandomStreams

/// The replica with the least score of its queue, counts being known as of the last report.
///
/// What vLLM's front end does with its data-parallel engines (vllm-project/vllm,
/// `vllm/v1/engine/core_client.py`, `get_core_engine_for_request`): the score is 4 × waiting +
/// running, the first engine of the least score is taken, and until the coordinator reports again
/// (every 100 ms while counts change) the front end adds one waiting request for each that it sends.
///
/// A report is taken at the first decision that is at least ``refreshSeconds`` after the last one,
/// so that it may be younger than a real one by what passed until then.
public struct LeastLoadedRouting: RequestRoutingPolicy {
  /// What a waiting request counts beside a running one.
  public let waitingWeight: Double
  /// How old counts may become [s]; 0 to know them as they are.
  public let refreshSeconds: Double
  private var refreshNanoseconds: UInt64
  private var reportedAt: UInt64?
  private var running: [Int32] = []
  private var waiting: [Int32] = []

  /// A choice by score.
  ///
  /// - Precondition: `refreshSeconds` is from 0 to 10⁹.
  public init(waitingWeight: Double = 4, refreshSeconds: Double = 0.1) {
    precondition((0...1e9).contains(refreshSeconds), "Counts are reported within 10⁹ s.")
    self.waitingWeight = waitingWeight
    self.refreshSeconds = refreshSeconds
    refreshNanoseconds = UInt64(refreshSeconds * 1e9)
  }

  /// Sets aside room for the reports.
  public mutating func configure(_ context: RequestRoutingContext) {
    running.reserveCapacity(context.replicas)
    waiting.reserveCapacity(context.replicas)
  }

  /// The first replica of the least score among those that may serve the request.
  public mutating func choose(
    for request: RoutedRequest, among replicas: Span<ReplicaLoad>, random: inout RandomStream
  ) -> Int? {
    refresh(from: replicas, at: request.nanoseconds)
    var best: (position: Int, score: Double)?
    for position in 0..<replicas.count where replicas[position].mayServe(request) {
      let score = Double(waiting[position]) * waitingWeight + Double(running[position])
      if let known = best, known.score <= score { continue }
      best = (position, score)
    }
    if let best { waiting[best.position] += 1 }
    return best?.position
  }

  private mutating func refresh(from replicas: Span<ReplicaLoad>, at nanoseconds: UInt64) {
    if let reportedAt, replicas.count == waiting.count,
      nanoseconds < reportedAt + refreshNanoseconds
    {
      return
    }
    reportedAt = nanoseconds
    running.removeAll(keepingCapacity: true)
    waiting.removeAll(keepingCapacity: true)
    for position in 0..<replicas.count {
      running.append(replicas[position].runningSequences)
      waiting.append(replicas[position].waitingRequests)
    }
  }

  static let registration = RoleRegistration<any RequestRoutingPolicy>(
    name: "least-loaded",
    summary: "the least score of queue and batch as last reported, as vLLM's data parallelism does",
    parameters: [
      RoleParameter(
        "waiting_weight", .number(0...1e6), default: 4,
        summary: "what a waiting request counts beside a running one"),
      RoleParameter(
        "refresh", .duration(0...3600), default: 0.1, summary: "time between two reports of counts"),
    ]
  ) {
    LeastLoadedRouting(
      waitingWeight: $0.number("waiting_weight") ?? 4, refreshSeconds: $0.number("refresh") ?? 0.1)
  }
}
