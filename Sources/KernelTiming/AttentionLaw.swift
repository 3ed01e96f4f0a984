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
///     block  = 4 · tileRows · tileKeys · (D + softmaxColumns) / (peak / units)
///     item   = tileTime · tileKeys · D / 16384
///     alone  = longest · block / aloneEfficiency + item
///     all    = W · (item + n · block / computeEfficiency) / units + query bytes / (bandwidth · queryEfficiency)
///     memory = bytes / (bandwidth · memoryEfficiency) + ramp
///     seconds = launch + (alone^p + all^p + memory^p)^(1/p)
///             + joining + writing the new rows + tokenTime · tokens / units
///
/// `alone` is what one tile takes however few there are, `all` what the units take together; p is 3 when decoding, 2
/// in prompts. Tiles and the rule that divides blocks are those of the two kernels' released code; the numbers are fitted.
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
    let compiled = compiled(capability: device, software: .none)
    return compiled.seconds(
      work, launch: launch * factor, cacheBytes: cached ? device.cacheBytes : 0)
  }

  func compiled(capability: DeviceCapability, software: SoftwareCosts) -> Compiled {
    // Every term is a time of its own or a quantity over one of the two rates.
    var law = self
    for (_, path) in Self.times { law[keyPath: path] *= factor }
    return Compiled(
      law: law, units: max(1, capability.units),
      unitRate: capability.peak(for: .fp16).rate.nominal * software.computeEfficiency
        / max(1, capability.units) / factor,
      bandwidth: capability.bandwidth.nominal * software.memoryEfficiency / factor,
      grid: grid?.compiled)
  }
}

extension AttentionLaw {
  /// The law with a device's rates.
  @usableFromInline
  struct Compiled: Sendable {
    var law: AttentionLaw
    var units: Double
    /// FLOP/s of a unit.
    var unitRate: Double
    /// B/s.
    var bandwidth: Double
    var grid: KernelGrid.Compiled?

    /// Where the time goes: the roofline's two parts, and all the rest as overhead.
    @usableFromInline
    func parts(_ work: KernelWork, launch: Double) -> DeviceTiming.Parts {
      let seconds =
        (seconds(work, launch: Double(work.kernels) * (launch + law.launch), cacheBytes: 0))
        * (grid?.factor(work) ?? 1)
      let memory = min(work.bytes / (bandwidth * law.memoryEfficiency), seconds)
      let compute = min(work.flop / (unitRate * units * law.computeEfficiency), seconds)
      return DeviceTiming.Parts(
        overhead: seconds - max(memory, compute), compute: compute, memory: memory)
    }

    /// - Complexity: O(1), no allocation.
    func seconds(_ work: KernelWork, launch: Double, cacheBytes: Double) -> Double {
      let sequences = max(1, work.sequences)
      let tokens = max(1, work.rows)
      let shape = tiles(work, sequences: sequences, query: tokens / sequences)
      let block = 4 * shape.rows * shape.keys * (work.depth + law.softmaxColumns) / unitRate
      let item = law.tileTime * shape.keys * work.depth / 16_384
      let alone = shape.longest * block / law.aloneEfficiency + item
      let queryBytes = 4 * tokens * work.columns * work.depth
      let all =
        shape.count * (item + shape.blocks * block / law.computeEfficiency) / units
        + queryBytes / (bandwidth * law.queryEfficiency)
      var memory = work.bytes / (bandwidth * law.memoryEfficiency) + law.ramp
      if cacheBytes > 0 {
        let ratio = min(50, work.bytes / (law.cacheShare * cacheBytes))
        let square = ratio * ratio
        let hit = 1 / (1 + square * square * square)
        memory = memory * (1 - hit) + hit * work.bytes / (bandwidth * law.cacheSpeed)
      }
      let core: Double
      if law.isDecode {
        core = cbrt(alone * alone * alone + all * all * all + memory * memory * memory)
      } else {
        core = (alone * alone + all * all + memory * memory).squareRoot()
      }
      let written = tokens * work.groups * work.depth * (law.isNarrow ? 6 : 8)
      var rest = written / (bandwidth * 0.7) + tokens * law.tokenTime / units
      if shape.parts > 1 {
        rest +=
          law.joinTime
          + 8 * tokens * work.columns * shape.parts * work.depth / (bandwidth * law.cacheSpeed)
      }
      if shape.isCopied { rest += law.joinTime }
      return launch + core + rest
    }

    /// What the kernel makes of a shape.
    struct Tiles {
      /// Query rows of a tile.
      var rows: Double
      /// Keys of a block.
      var keys: Double
      /// Tiles, times the parts of each.
      var count: Double
      /// Blocks of a tile's part, on average.
      var blocks: Double
      /// Blocks of the longest part.
      var longest: Double
      /// Parts into which a tile's keys are divided.
      var parts: Double
      /// Whether queries are rearranged in a kernel of their own first.
      var isCopied: Bool
    }

    private func tiles(_ work: KernelWork, sequences: Double, query: Double) -> Tiles {
      let group = max(1, work.columns / max(1, work.groups))
      let isThree = law.kernel == .flash3
      let packs = isThree || (law.isDecode && group > 1)
      let narrow = work.depth <= 64
      let tileRows: Double =
        isThree ? (narrow ? 192 : query * group <= 64 ? 64 : 128) : 64
      let tileKeys: Double =
        isThree ? (law.isNarrow ? 160 : 128) : (narrow ? 256 : 128)
      let heads = packs ? work.groups : work.columns
      let perToken = packs ? group : 1
      let stacked = (query * perToken / tileRows).rounded(.up)
      let tokens = min(tileRows / perToken, query)
      let seen = max(1, work.context)
      let most = (seen / tileKeys).rounded(.up)
      var blocks = most
      if stacked > 1 {
        let visible = seen - (query - 1) / 2 + (tokens - 1) / 2
        blocks = min(visible / tileKeys + 0.5 * (1 - min(1, tokens / tileKeys)), most)
      }
      let count = sequences * heads * stacked
      var parts = 1.0
      if isThree {
        if count < 0.8 * units, most > 4 {
          let each = (1.1 * count * blocks / units).rounded(.up)
          parts = min(max((most / each).rounded(.up), 1), min(128, most))
        }
      } else if law.isDecode, group > 1, count < 1.6 * units {
        parts = min(max((2 * units / count).rounded(.down), 1), min(128, most))
      }
      guard parts > 1 else {
        return Tiles(
          rows: tileRows, keys: tileKeys, count: count, blocks: blocks, longest: most, parts: 1,
          isCopied: isCopied(group, sequences, work.groups))
      }
      let longest = (most / parts).rounded(.up)
      parts = (most / longest).rounded(.up)
      return Tiles(
        rows: tileRows, keys: tileKeys, count: count * parts, blocks: blocks / parts,
        longest: longest, parts: parts, isCopied: isCopied(group, sequences, work.groups))
    }

    private func isCopied(_ group: Double, _ sequences: Double, _ heads: Double) -> Bool {
      law.kernel == .flash2 && law.isDecode && group > 1 && heads > 1 && sequences > 1
    }
  }
}
