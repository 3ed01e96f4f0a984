// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// What a device can do, as far as a timing law depends on it.
public struct DeviceCapability: Hashable, Sendable {
  /// One rate, as sold and as software reaches it.
  public struct Rate: Hashable, Sendable, BitwiseCopyable {
    /// As the data sheet says.
    public var nominal: Double
    /// As the best software reaches it.
    public var achievable: Double

    /// Creates a rate; `achievable` is the nominal one where nobody says.
    public init(nominal: Double, achievable: Double? = nil) {
      self.nominal = nominal
      self.achievable = achievable ?? nominal
    }
  }

  /// The name that messages use.
  public var name: String
  /// Bytes per second of the device's memory, reading and writing together.
  public var bandwidth: Rate
  /// Units that run blocks of a kernel side by side: streaming multiprocessors, cores.
  public var units: Double
  /// The clock of the units [Hz]; 0 where nobody says.
  public var clock: Double
  /// The cache before the memory [B]; 0 where nobody says.
  public var cacheBytes: Double
  /// One direction of the links to other devices, all links of the device together [B/s]; 0 for none.
  public var linkRate: Double = 0
  private var peaks: [Rate?]

  /// Creates a capability.
  ///
  /// - Parameters:
  ///   - peaks: FLOP per second of dense products by class; a class that is absent runs as its
  ///     fallback (`ComputeClass.fallback`). FP32 must be there.
  ///   - bandwidth: of the device's memory.
  ///   - units: units that run blocks of a kernel side by side.
  ///   - clock: of the units [Hz]; 0 where nobody says.
  ///   - cacheBytes: the cache before the memory; 0 where nobody says.
  public init(
    name: String, peaks: [ComputeClass: Rate], bandwidth: Rate, units: Double = 1,
    clock: Double = 0, cacheBytes: Double = 0
  ) {
    precondition(peaks[.fp32] != nil, "Every device has a rate for fp32, the last resort.")
    self.name = name
    self.bandwidth = bandwidth
    self.units = units
    self.clock = clock
    self.cacheBytes = cacheBytes
    self.peaks = ComputeClass.allCases.map { peaks[$0] }
  }

  /// The class as which arithmetic of `wanted` runs here, and its rate.
  public func peak(for wanted: ComputeClass) -> (computeClass: ComputeClass, rate: Rate) {
    var candidate = wanted
    while true {
      if let rate = peaks[Int(candidate.rawValue)] { return (candidate, rate) }
      guard let next = candidate.fallback else {
        preconditionFailure("Every device has a rate for fp32, the last resort.")
      }
      candidate = next
    }
  }

  /// The bandwidth at which the memory roof meets that of `computeClass`, in FLOP per byte.
  public func balance(for computeClass: ComputeClass) -> Double {
    peak(for: computeClass).rate.achievable / bandwidth.achievable
  }
}
