// SPDX-License-Identifier: GPL-3.0-or-later

extension SimulationResult {
  /// What replicas, GPUs and gateway of a fleet did over the measured time.
  public struct FleetReport: Codable, Sendable {
    /// Hosts.
    public var hosts: Int
    /// GPUs that replicas use, those that the autoscaler may add among them.
    public var gpuCount: Int
    /// How a replica is spread, "TP2 DP4 EP8"; of several groups each.
    public var parallelism: String
    /// The rule by which requests find replicas.
    public var requestRouting: String
    /// Requests answered by the response cache.
    public var cachedResponses: Int
    /// Requests sent again after a failure.
    public var retriedRequests: Int
    /// Requests given up after failures, since the run began.
    public var lostRequests: Int
    /// The most requests that waited at the gateway at once.
    public var mostWaitingAtGateway: Int
    /// Failures of replicas.
    public var replicaFailures: Int
    /// Replicas that came back.
    public var replicaRepairs: Int
    /// Replicas that the autoscaler started.
    public var replicasStarted: Int
    /// Replicas that it stopped.
    public var replicasStopped: Int
    /// Tokens that failures made somebody compute again.
    public var recomputedTokens: Int64
    /// Sequences whose keys and values moved to another replica.
    public var keyValueMoves: UInt64
    /// Bytes that moved with them.
    public var keyValueMovedBytes: Int64
    /// The mean time from the end of a prompt until its keys and values were there [ms]; `nil` where
    /// none moved.
    public var meanKeyValueMoveMs: Double?
    /// The token–expert pairs of the most loaded group of experts over the mean, averaged over steps.
    public var expertImbalance: Double
    /// Each replica.
    public var replicas: [ReplicaReport]
    /// Each GPU that a replica used.
    public var gpus: [GPUReport]
  }

  /// What one replica did.
  public struct ReplicaReport: Codable, Sendable {
    /// "chat.3": its group and its number.
    public var name: String
    /// Its state when the run ended.
    public var state: String
    /// The share of the measured time in which it was up.
    public var upShare: Double
    /// Steps.
    public var steps: UInt64
    /// Requests that it answered.
    public var completed: UInt64
    /// Output tokens that it made.
    public var outputTokens: Int64
    /// The share of the measured time in which it computed a step; of a pipeline, its first stage.
    public var utilization: Double
    /// The most of its KV cache that was in use at once, as a share.
    public var keyValueHighWater: Double
  }

  /// What one GPU did.
  public struct GPUReport: Codable, Sendable {
    /// "host3.gpu5".
    public var name: String
    /// The share of the measured time in which its own kernels ran.
    public var busy: Double
    /// The share in which it took part in collectives.
    public var collectives: Double
    /// The share in which a step was under way and it waited: for slower GPUs, for the software.
    public var waiting: Double
  }
}
