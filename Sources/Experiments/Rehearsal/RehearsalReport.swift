// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration

/// A simulation and an execution of the same steps, side by side.
public struct RehearsalReport: Codable, Sendable {
  /// What was counted and timed on one side.
  public struct Side: Codable, Sendable {
    /// Members of accesses that were there.
    public var hits = 0
    /// Members that were on their way.
    public var late = 0
    /// Members that were fetched into the cache.
    public var misses = 0
    /// Members that passed through a staging buffer.
    public var streamed = 0
    /// Fetches ahead.
    public var prefetched = 0
    /// Bytes of experts that were read.
    public var bytes: Int64 = 0
    /// Steps that computed output tokens alone; times are of these.
    public var decodeSteps = 0
    /// The mean time of such a step [ms].
    public var meanMs = 0.0
    /// The median time of such a step [ms].
    public var medianMs = 0.0
    /// The mean time of each part of such a step [ms].
    public var stagesMs: [Stage] = []
  }

  /// The mean time of a part of a step.
  public struct Stage: Codable, Sendable {
    /// Its name.
    public var name: String
    /// Its time [ms].
    public var ms: Double
  }

  /// A figure of the machine before and after the execution.
  public struct Drift: Codable, Sendable {
    /// What was measured.
    public var figure: String
    /// Before [ms].
    public var beforeMs: Double
    /// After [ms].
    public var afterMs: Double
    /// The change, as a share of what was before.
    public var change: Double
  }

  /// What the machine did; nothing of it is the same twice.
  public struct Measured: Codable, Sendable {
    /// The execution.
    public var execution: Side
    /// The error of the simulated mean time of a step, as a share of the measured one.
    public var meanError: Double
    /// The error of the simulated median time of a step, as a share of the measured one.
    public var medianError: Double
    /// Members that the decisions call hits, and that were still on their way.
    public var lateInExecution: Int
    /// Members that the decisions call late, and that had come.
    public var earlyInExecution: Int
    /// Reads that waited for another into the same slot.
    public var collisions: Int
    /// Seconds of reads over bytes, as a rate [bytes/s].
    public var readRate: Double
    /// The machine before and after.
    public var drift: [Drift]
    /// The largest change among them.
    public var largestDrift: Double
    /// Runs that it took; more than one where the machine drifted.
    public var attempts: Int
    /// What computed products.
    public var products: String
    /// Where reads came from, and at what pace.
    public var source: String
  }

  /// The scenario's name.
  public var scenario: String
  /// Its seed.
  public var seed: UInt64
  /// The model's name.
  public var model: String
  /// The policy's name.
  public var policy: String
  /// "live" or "simulated": who decided for the execution.
  public var decisions: String
  /// Slots of the cache, all pools together.
  public var slots: Int
  /// Bytes of an expert.
  public var expertBytes: Int64
  /// The simulation.
  public var simulated: Side
  /// The execution.
  public var measured: Measured
  /// Whether both made the same accesses: members, how they were found, slots, evictions.
  public var accessesAreEqual: Bool
  /// Whether both found the same number of members there.
  public var hitsAreEqual: Bool
  /// Whether both read the same bytes.
  public var bytesAreEqual: Bool
  /// Whether each slot held the expert that the decisions say, at the end.
  public var contentIsRight: Bool
  /// What a reader must know.
  public var notices: [String]
}
