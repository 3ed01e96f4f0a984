// SPDX-License-Identifier: GPL-3.0-or-later

extension SimulationResult {
  /// What the run cost.
  public struct CostReport: Codable, Sendable {
    /// Amortised purchase price and energy per million output tokens [USD].
    public var usdPerMillionOutputTokens: Double?
    /// The machine's purchase price [USD].
    public var purchaseUsd: Double?
    /// Amortised price and energy of an hour [USD].
    public var usdPerHour: Double?
    /// What was assumed: life, price of energy.
    public var basis: String
    /// The record of these values.
    public init(
      usdPerMillionOutputTokens: Double?, purchaseUsd: Double?, usdPerHour: Double?, basis: String
    ) {
      self.usdPerMillionOutputTokens = usdPerMillionOutputTokens
      self.purchaseUsd = purchaseUsd
      self.usdPerHour = usdPerHour
      self.basis = basis
    }
  }

  /// What energy the run took.
  public struct EnergyReport: Codable, Sendable {
    /// Energy per output token [J].
    public var joulesPerOutputToken: Double?
    /// Energy over the measured time [J].
    public var joules: Double
    /// Mean power over the measured time [W].
    public var meanWatts: Double
    /// Mean power of each part [W].
    public var parts: [NamedValue]
    /// The record of these values.
    public init(
      joulesPerOutputToken: Double?, joules: Double, meanWatts: Double, parts: [NamedValue]
    ) {
      self.joulesPerOutputToken = joulesPerOutputToken
      self.joules = joules
      self.meanWatts = meanWatts
      self.parts = parts
    }
  }

  /// A re-run with one resource twice as fast.
  public struct Improvement: Codable, Sendable {
    /// What was made faster, "PCIe host→device".
    public var resource: String
    /// By what factor.
    public var factor: Double
    /// Output tokens per second of the re-run.
    public var outputTokensPerSecond: Double
    /// Mean time per output token of the re-run [ms].
    public var meanTpotMs: Double?
    /// The share by which mean time per output token falls (positive is better).
    public var tpotReduction: Double?
    /// The record of these values.
    public init(
      resource: String, factor: Double, outputTokensPerSecond: Double, meanTpotMs: Double?,
      tpotReduction: Double?
    ) {
      self.resource = resource
      self.factor = factor
      self.outputTokensPerSecond = outputTokensPerSecond
      self.meanTpotMs = meanTpotMs
      self.tpotReduction = tpotReduction
    }
  }

  /// All that is not deterministic.
  public struct RunInfo: Codable, Sendable {
    /// moesim's version.
    public var version: String
    /// "debug" or "release".
    public var build: String
    /// The host's name.
    public var host: String
    /// Wall-clock time of the run [s].
    public var wallSeconds: Double
    /// Processor time of the run [s].
    public var cpuSeconds: Double
    /// Kernel events per second of processor time.
    public var eventsPerCpuSecond: Double
    /// The most memory that the process held [bytes].
    public var peakMemoryBytes: Int64
    /// The record of these values.
    public init(
      version: String, build: String, host: String, wallSeconds: Double, cpuSeconds: Double,
      eventsPerCpuSecond: Double, peakMemoryBytes: Int64
    ) {
      self.version = version
      self.build = build
      self.host = host
      self.wallSeconds = wallSeconds
      self.cpuSeconds = cpuSeconds
      self.eventsPerCpuSecond = eventsPerCpuSecond
      self.peakMemoryBytes = peakMemoryBytes
    }
  }
}
