// SPDX-License-Identifier: GPL-3.0-or-later

extension SimulationResult {
  /// Utilisation by what a sparse model must read and compute, as MoE-CAP defines it (arXiv 2412.07067).
  public struct MoECAPReport: Codable, Sendable {
    /// The passes of one kind.
    public struct Phase: Codable, Sendable, Equatable {
      /// Forward passes.
      public var passes: UInt64
      /// How long they took in all [s].
      public var seconds: Double
      /// Tokens that they computed.
      public var tokens: UInt64
      /// Sequences in a pass, on average.
      public var meanBatch: Double
      /// Distinct experts used in a MoE layer, averaged over layers and passes.
      public var meanActivatedExperts: Double
      /// Weights that a pass must read, on average [GB].
      public var weightGbPerPass: Double
      /// Keys and values that a pass must read, on average [GB].
      public var keyValueGbPerPass: Double
      /// Sparse memory bandwidth utilisation: what they must read over what could have been read.
      public var sMbu: Double
      /// Sparse model FLOP utilisation: what they must compute over what could have been computed.
      public var sMfu: Double
    }

    /// What a decoding pass within a limit asks of a machine (eq. 7 and 8).
    public struct Requirement: Codable, Sendable, Equatable {
      /// The limit on time per output token [ms].
      public var tpotMs: Double
      /// What a mean decoding pass must read within it [GB/s].
      public var theoreticalGbPerSecond: Double
      /// The peak bandwidth that this takes at the run's utilisation [GB/s].
      public var gbPerSecond: Double
      /// What a mean decoding pass must compute within it [TFLOP/s].
      public var theoreticalTflops: Double
      /// The peak rate that this takes at the run's utilisation [TFLOP/s].
      public var tflops: Double
    }

    /// Values for the three axes of MoE-CAP's radar.
    public struct Radar: Codable, Sendable, Equatable {
      /// Performance: mean time per output token [s].
      public var tpotSeconds: Double?
      /// Performance: output tokens per second.
      public var outputTokensPerSecond: Double
      /// Cost: the machines' purchase price [USD].
      public var purchaseUsd: Double?
      /// Cost: mean power [W].
      public var meanWatts: Double
      /// Accuracy: the score of `accuracy`, where one is known.
      public var accuracy: Double?
    }

    /// GPUs whose peaks are counted.
    public var gpus: Int
    /// Their nominal memory bandwidth in all [GB/s].
    public var peakGbPerSecond: Double
    /// Their nominal dense rate in all [TFLOP/s].
    public var peakTflops: Double
    /// The arithmetic class of that rate.
    public var peakClass: String
    /// S-MBU over all passes (eq. 6).
    public var sMbu: Double?
    /// S-MFU over all passes.
    public var sMfu: Double?
    /// Passes of prompts alone; `nil` without any.
    public var prefill: Phase?
    /// Passes of output tokens alone; `nil` without any.
    public var decode: Phase?
    /// Passes of both; `nil` without any.
    public var mixed: Phase?
    /// What the limit on TPOT asks of a machine; `nil` without such a limit.
    public var required: Requirement?
    /// The radar's axes.
    public var radar: Radar
  }
}

extension SimulationResult.MoECAPReport {
  /// The report of a run's passes.
  ///
  /// - Parameters:
  ///   - bandwidth: The nominal memory bandwidth of all GPUs [B/s].
  ///   - peak: The name of the arithmetic class, and the nominal dense rate of all GPUs [FLOP/s].
  ///   - limitMs: The limit on time per output token [ms], where there is one.
  init(
    book: PassBook, gpus: Int, bandwidth: Double, peak: (name: String, rate: Double),
    limitMs: Double?, radar: Radar
  ) {
    let all = Phase(book.all)
    let decode = Phase(book[.decode])
    self.init(
      gpus: gpus, peakGbPerSecond: bandwidth * 1e-9, peakTflops: peak.rate * 1e-12,
      peakClass: peak.name, sMbu: all?.sMbu, sMfu: all?.sMfu, prefill: Phase(book[.prefill]),
      decode: decode, mixed: Phase(book[.mixed]),
      required: limitMs.flatMap { Requirement(book[.decode], decode, limitMs: $0) }, radar: radar)
  }
}

extension SimulationResult.MoECAPReport.Phase {
  /// `nil` for no passes.
  init?(_ sums: PassBook.Sums) {
    guard sums.passes > 0, sums.peakBytes > 0, sums.peakFlop > 0 else { return nil }
    let passes = Double(sums.passes)
    self.init(
      passes: sums.passes, seconds: sums.seconds, tokens: sums.tokens,
      meanBatch: Double(sums.sequences) / passes,
      meanActivatedExperts: sums.activatedExperts / passes,
      weightGbPerPass: sums.weightBytes / passes * 1e-9,
      keyValueGbPerPass: sums.keyValueBytes / passes * 1e-9,
      sMbu: (sums.weightBytes + sums.keyValueBytes) / sums.peakBytes,
      sMfu: sums.flop / sums.peakFlop)
  }
}

extension SimulationResult.MoECAPReport.Requirement {
  /// `nil` for no passes.
  init?(
    _ sums: PassBook.Sums, _ phase: SimulationResult.MoECAPReport.Phase?, limitMs: Double
  ) {
    guard let phase, limitMs > 0 else { return nil }
    let seconds = limitMs * 1e-3 * Double(sums.passes)
    let bytes = (sums.weightBytes + sums.keyValueBytes) / seconds
    let flop = sums.flop / seconds
    self.init(
      tpotMs: limitMs, theoreticalGbPerSecond: bytes * 1e-9,
      gbPerSecond: bytes * 1e-9 / phase.sMbu, theoreticalTflops: flop * 1e-12,
      tflops: flop * 1e-12 / phase.sMfu)
  }
}
