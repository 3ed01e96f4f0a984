// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// The parameters by which one family of kernels departs from the roofline.
///
/// For work of `flop` FLOP and `bytes` bytes over `rows` rows in `kernels` launches, on a device
/// that achieves `peak` FLOP/s and `bandwidth` B/s:
///
///     e_c = computeEfficiency · rows / (tiled + rowsHalf), tiled = rows up to a multiple of tileRows
///     e_m = memoryEfficiency · bytes / (bytes + bandwidth · ramp)
///     c = flop / (peak · e_c), m = bytes / (bandwidth · e_m), long = max(c, m), short = min(c, m)
///     seconds = kernels · launch + depthLatency · √depth + rowLatency · rows · groups
///               + long + overlapLoss · short² / long
///
/// so that e_c and e_m rise to their asymptotes with rows and bytes. `ramp` is the time in which a
/// kernel reaches the memory's rate: e_m is one half of its asymptote where bytes = bandwidth · ramp.
/// Arithmetic and memory overlap but for `overlapLoss`: a kernel that needs both equally long takes
/// 1 + overlapLoss times as long. `depthLatency` stands for the chain of steps along the depth of a
/// product, which splitting the depth shortens (hence the root), `rowLatency` for what sorting and
/// summing cost a row.
///
/// Kernels are often timed again and again on the same operands. Those that fit in `cacheShare` of the
/// device's cache are then read `cacheSpeed` times as fast as from memory, those of twice that size are
/// not, with a straight line between. It concerns what was timed, not what is predicted for a model,
/// whose layers evict each other's weights (`seconds(…, cached:)`).
@frozen
public struct FamilyLaw: Hashable, Sendable, BitwiseCopyable {
  /// The share of the achievable arithmetic rate reached by many rows; above 1 where kernels pass what
  /// the profile calls achievable.
  public var computeEfficiency: Double
  /// Rows at which half of it is reached; 0 for no dependence.
  public var rowsHalf: Double
  /// Rows of a tile, to which rows are rounded up; 0 or 1 for none.
  public var tileRows: Double
  /// The share of the achievable memory rate reached by many bytes; above 1 as above.
  public var memoryEfficiency: Double
  /// Seconds of ramp.
  public var ramp: Double
  /// Seconds per launch, beside what the runtime profile says.
  public var launch: Double
  /// The share of the shorter of arithmetic and memory traffic that is not hidden where both are
  /// equally long.
  public var overlapLoss: Double
  /// Seconds per root of the depth.
  public var depthLatency: Double
  /// Seconds per row of all groups.
  public var rowLatency: Double
  /// How much faster than memory the cache is; 1 for none.
  public var cacheSpeed: Double
  /// The share of the cache up to which operands stay in it.
  public var cacheShare: Double

  /// Creates a law.
  @inlinable
  public init(
    computeEfficiency: Double = 1, rowsHalf: Double = 0, tileRows: Double = 0,
    memoryEfficiency: Double = 1, ramp: Double = 0, launch: Double = 0, overlapLoss: Double = 0,
    depthLatency: Double = 0, rowLatency: Double = 0, cacheSpeed: Double = 1,
    cacheShare: Double = 0.5
  ) {
    self.computeEfficiency = computeEfficiency
    self.rowsHalf = rowsHalf
    self.tileRows = tileRows
    self.memoryEfficiency = memoryEfficiency
    self.ramp = ramp
    self.launch = launch
    self.overlapLoss = overlapLoss
    self.depthLatency = depthLatency
    self.rowLatency = rowLatency
    self.cacheSpeed = cacheSpeed
    self.cacheShare = cacheShare
  }

  /// The roofline itself: every kernel at the achievable rates.
  public static let roofline = FamilyLaw()

  /// e_c for `rows` rows.
  public func computeShare(rows: Double) -> Double {
    guard rows > 0 else { return computeEfficiency }
    let tiled = tileRows > 1 ? (rows / tileRows).rounded(.up) * tileRows : rows
    return computeEfficiency * rows / (tiled + rowsHalf)
  }

  /// e_m for `bytes` bytes at `bandwidth` bytes per second.
  public func memoryShare(bytes: Double, bandwidth: Double) -> Double {
    guard bytes > 0 else { return memoryEfficiency }
    return memoryEfficiency * bytes / (bytes + bandwidth * ramp)
  }
}

extension FamilyLaw {
  /// Seconds of `work` on a device, in software that adds nothing.
  ///
  /// What `DeviceTiming` predicts, written out: for fits and for tests. Packed weights are read at the
  /// memory's rate; what unpacking costs must be in the parameters.
  ///
  /// - Parameter cached: whether operands that fit in the cache are read from it, as in a benchmark that
  ///   repeats itself.
  public func seconds(
    _ work: KernelWork, on device: DeviceCapability, cached: Bool = false
  ) -> Double {
    guard work.kernels > 0 else { return 0 }
    var compute = work.flop / device.peak(for: work.computeClass).rate.achievable
    if work.flop > 0 { compute /= computeShare(rows: work.rows) }
    var memory = 0.0
    if work.bytes > 0 {
      let bandwidth = device.bandwidth.achievable
      memory = (work.bytes + bandwidth * ramp) / (bandwidth * memoryEfficiency)
      if cached, device.cacheBytes > 0 {
        let hit = min(max(2 - work.bytes / (device.cacheBytes * cacheShare), 0), 1)
        memory *= 1 - hit + hit / cacheSpeed
      }
    }
    let (short, long) = (min(compute, memory), max(compute, memory))
    let lost = long > 0 ? overlapLoss * short * short / long : 0
    return Double(work.kernels) * launch + depthLatency * work.depth.squareRoot()
      + rowLatency * work.rows * work.groups + long + lost
  }
}
