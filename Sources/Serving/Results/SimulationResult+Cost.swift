// SPDX-License-Identifier: GPL-3.0-or-later

extension SimulationResult {
  /// What the run cost.
  public struct CostReport: Codable, Sendable {
    /// What one way of having the machines costs.
    public struct Way: Codable, Sendable, Equatable {
      /// An hour of service [USD].
      public var usdPerHour: Double
      /// A million output tokens [USD].
      public var usdPerMillionOutputTokens: Double?
      /// A million tokens, prompt and output [USD].
      public var usdPerMillionTokens: Double?
      /// The record of these values.
      public init(
        usdPerHour: Double, usdPerMillionOutputTokens: Double?, usdPerMillionTokens: Double?
      ) {
        self.usdPerHour = usdPerHour
        self.usdPerMillionOutputTokens = usdPerMillionOutputTokens
        self.usdPerMillionTokens = usdPerMillionTokens
      }
    }

    /// A line of the bill of materials: parts of one name and price, in all machines.
    public struct Item: Codable, Sendable, Equatable {
      /// The part, "NVIDIA GeForce RTX 4090".
      public var name: String
      /// gpu, cpu, dram, near-data, ssd, link or chassis.
      public var kind: String
      /// How many are bought.
      public var count: Double
      /// The price of one [USD]; `nil` where it is not known.
      public var unitUsd: Double?
      /// The price of all [USD].
      public var totalUsd: Double?
      /// What is written off in an hour of service [USD].
      public var writtenOffUsdPerHour: Double?
      /// The mean power of all that were up [W].
      public var meanWatts: Double
      /// Energy of an hour, the building's share included [USD].
      public var energyUsdPerHour: Double
      /// Both, for a million output tokens [USD]; `nil` without a price or without tokens.
      public var usdPerMillionOutputTokens: Double?
      /// Energy at the part for a million output tokens [J].
      public var joulesPerMillionOutputTokens: Double?
      /// Where the price is from; empty without one.
      public var priceSource: String
    }

    /// The chosen way's cost of a million output tokens [USD].
    public var usdPerMillionOutputTokens: Double?
    /// The machines' purchase price, as far as it is known [USD].
    public var purchaseUsd: Double?
    /// The chosen way's cost of an hour [USD].
    public var usdPerHour: Double?
    /// What was assumed: life, price of energy.
    public var basis: String
    /// What bought machines cost, energy included; `nil` unless the price of every part is known.
    public var purchase: Way?
    /// What rented machines cost, energy included; `nil` where the rent is not known.
    public var rent: Way?
    /// What is written off in an hour of service [USD].
    public var writtenOffUsdPerHour: Double?
    /// The energy of an hour, the building's share included [USD].
    public var energyUsdPerHour: Double?
    /// Energy at the machines for a million output tokens [J].
    public var joulesPerMillionOutputTokens: Double?
    /// Energy at the machines for a million tokens, prompt and output [J].
    public var joulesPerMillionTokens: Double?
    /// Parts whose price is not known, and which no sum contains.
    public var unpricedParts: [String]?
    /// The bill of materials.
    public var items: [Item]?
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
