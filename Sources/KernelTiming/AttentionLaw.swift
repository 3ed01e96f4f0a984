// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors
import Units

/// How long attention takes whose kernel walks blocks of keys and values for tiles of query rows, as
/// FlashAttention 2 and 3 do (arXiv 2307.08691, 2407.08608).
///
/// Of `b` sequences of `q` new tokens over `s` cached rows, `h` heads of width `D` and `k` heads of keys
/// and values, a kernel makes W tiles, each of which walks n blocks of keys and values, whole or, where
/// there are fewer tiles than units, in parts that are joined afterwards:
///
///     block  = 4 · multiplied rows · tileKeys · (D + softmaxColumns) / (peak / units)
///     item   = tileTime · tileKeys · D / 16384
///     alone  = longest · block / aloneEfficiency + item
///     all    = W · (item + n · block / computeEfficiency) / units + query bytes / (bandwidth · queryEfficiency)
///     memory = m + ramp · m / (m + ramp), m = bytes / (bandwidth · memoryEfficiency)
///     seconds = launch + (alone^p + all^p + memory^p)^(1/p)
///             + joining + writing the new rows + tokenTime · tokens / units
///
/// Where sequences that decode differ in length, `skew` of the way from the time of their mean length to the
/// time that all would take at the longest is added: some units are busy with it while others are done.
///
/// `alone` is what one tile takes however few there are, `all` what the units take together; p is 3 when
/// decoding, 2 in prompts. A large transfer loses `ramp`, a small one reaches half of the rate. Tiles and the
/// rule that divides blocks are those of the two kernels' released code; the numbers are fitted. Of a tile all
/// rows are multiplied, padding included, but when decoding in version 3: those of the group, in steps of 16.
public struct AttentionLaw: Hashable, Sendable {
  /// The kernel whose tiles are used.
  public enum Kernel: String, CaseIterable, Hashable, Sendable {
    /// Tiles of 64 rows, query heads packed only when decoding.
    case flash2 = "flash-attention-2"
    /// Tiles of 64 to 192 rows, query heads of a group packed into them.
    case flash3 = "flash-attention-3"
  }

  /// The kernel.
  public var kernel: Kernel
  /// Whether it is for single tokens over cached rows; else for prompts.
  public var isDecode: Bool
  /// Whether keys and values are stored in 8 bits.
  public var isNarrow = false
  /// Seconds of a launch.
  public var launch = 8e-6
  /// Seconds that a tile costs beside its arithmetic, for 128 keys of width 128.
  public var tileTime = 1.5e-6
  /// The share of the nominal arithmetic rate that all units together reach.
  public var computeEfficiency = 0.6
  /// The share that a unit reaches with one tile.
  public var aloneEfficiency = 0.4
  /// The share of the nominal memory rate that keys and values are read at.
  public var memoryEfficiency = 0.85
  /// Seconds before the memory's rate is reached.
  public var ramp = 0.0
  /// What the softmax costs, as columns of a head.
  public var softmaxColumns = 20.0
  /// The rate of reading queries and writing results, over the nominal memory rate.
  public var queryEfficiency = 0.5
  /// The share of the way from sequences of the mean length to as many of the longest that sequences of
  /// unequal lengths take longer; 0 where it was not measured.
  public var skew = 0.0
  /// Seconds a token of a unit.
  public var tokenTime = 3e-8
  /// Seconds of joining parts.
  public var joinTime = 3e-6
  /// How much faster than memory the cache is.
  public var cacheSpeed = 2.0
  /// The share of the cache up to which operands stay in it.
  public var cacheShare = 0.8
  /// How far the fit was from shapes that it had not seen; `nil` where nothing was fitted.
  public var residuals: TimingLaws.Residuals?
  /// How many times as long kernels take as law and grid say; 1 but where errors are drawn.
  public var factor = 1.0
  /// What it leaves over, by shape.
  public var grid: KernelGrid?

  /// A law with parameters between those of the devices that were fitted.
  public init(kernel: Kernel, isDecode: Bool) {
    self.kernel = kernel
    self.isDecode = isDecode
  }

  /// Whether it is for kernels of a family and class.
  public func covers(_ family: KernelFamily, _ computeClass: ComputeClass) -> Bool {
    computeClass == .fp16 && family == (isDecode ? .attentionDecode : .attentionPrefill)
  }

  /// Seconds of `work` on a device.
  ///
  /// - Parameter cached: whether operands that fit in the cache are read from it, as in a benchmark that
  ///   repeats itself.
  public func seconds(
    _ work: KernelWork, on device: DeviceCapability, cached: Bool = false
  ) -> Double {
    compiled(capability: device, software: .none).seconds(
      work, launch: launch * factor, cacheBytes: cached ? device.cacheBytes : 0)
  }
}
