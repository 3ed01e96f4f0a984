// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors
import Units

extension AttentionLaw {
  /// The law with a device's rates folded in.
  func compiled(capability: DeviceCapability, software: SoftwareCosts) -> Compiled {
    let units = max(1, capability.units)
    let unitRate =
      capability.peak(for: .fp16).rate.nominal * software.computeEfficiency / units
    let bandwidth = capability.bandwidth.nominal * software.memoryEfficiency
    // Every term is a time of its own or a quantity over one of the two rates.
    return Compiled(
      isThree: kernel == .flash3, isDecode: isDecode, isNarrow: isNarrow, units: units,
      launch: factor * launch, tileTime: factor * tileTime, ramp: factor * ramp,
      tokenTime: factor * tokenTime / units, joinTime: factor * joinTime,
      softmaxColumns: softmaxColumns, perFlop: factor / unitRate,
      aloneLoss: 1 / aloneEfficiency, computeLoss: 1 / computeEfficiency,
      perByte: factor / bandwidth,
      memoryLoss: 1 / memoryEfficiency, queryLoss: 1 / queryEfficiency, cacheGain: 1 / cacheSpeed,
      cacheShare: cacheShare, skew: skew)
  }

  /// The law as numbers alone, so that a prediction copies no array.
  @usableFromInline
  struct Compiled: Sendable, BitwiseCopyable {
    var isThree: Bool
    var isDecode: Bool
    var isNarrow: Bool
    /// The place of its grid among a device's, or −1.
    @usableFromInline var grid: Int32 = -1
    var units: Double
    var launch: Double
    var tileTime: Double
    var ramp: Double
    /// Seconds a token, over the units.
    var tokenTime: Double
    var joinTime: Double
    var softmaxColumns: Double
    /// Seconds a FLOP of a unit.
    var perFlop: Double
    var aloneLoss: Double
    var computeLoss: Double
    /// Seconds a byte.
    var perByte: Double
    var memoryLoss: Double
    var queryLoss: Double
    var cacheGain: Double
    var cacheShare: Double
    var skew: Double

    /// Where the time goes: the roofline's two parts, and all the rest as overhead.
    ///
    /// - Parameters:
    ///   - launch: seconds a launch, beside the law's.
    ///   - gridFactor: what the law leaves over at this shape.
    @usableFromInline
    func parts(_ work: KernelWork, launch: Double, gridFactor: Double) -> DeviceTiming.Parts {
      let launches = Double(work.kernels) * (launch + self.launch)
      var seconds = seconds(work, launch: launches, cacheBytes: 0)
      if skew > 0, work.longest > work.context, work.context > 0 {
        var even = work
        even.bytes *= work.longest / work.context
        even.context = work.longest
        seconds += skew * max(0, self.seconds(even, launch: launches, cacheBytes: 0) - seconds)
      }
      seconds *= gridFactor
      let memory = min(work.bytes * perByte * memoryLoss, seconds)
      let compute = min(work.flop * perFlop * computeLoss / units, seconds)
      return DeviceTiming.Parts(
        overhead: seconds - max(memory, compute), compute: compute, memory: memory)
    }

    /// - Complexity: O(1), no allocation.
    func seconds(_ work: KernelWork, launch: Double, cacheBytes: Double) -> Double {
      let tokens = max(1, work.rows)
      let shape = tiles(work, sequences: max(1, work.sequences), tokens: tokens)
      let block =
        4 * shape.multiplied * shape.keys * (work.depth + softmaxColumns) * perFlop
      let item = tileTime * shape.keys * work.depth / 16_384
      let alone = shape.longest * block * aloneLoss + item
      let queryBytes = 4 * tokens * work.columns * work.depth
      let all =
        shape.count * (item + shape.blocks * block * computeLoss) / units
        + queryBytes * perByte * queryLoss
      var memory = work.bytes * perByte * memoryLoss
      if ramp > 0 { memory += ramp * memory / (memory + ramp) }
      if cacheBytes > 0 {
        let ratio = min(50, work.bytes / (cacheShare * cacheBytes))
        let square = ratio * ratio
        let hit = 1 / (1 + square * square * square)
        memory = memory * (1 - hit) + hit * work.bytes * perByte * cacheGain
      }
      let core: Double
      if isDecode {
        core = cbrt(alone * alone * alone + all * all * all + memory * memory * memory)
      } else {
        core = (alone * alone + all * all + memory * memory).squareRoot()
      }
      let written = tokens * work.groups * work.depth * (isNarrow ? 6 : 8)
      var rest = written * perByte / 0.7 + tokens * tokenTime
      if shape.parts > 1 {
        rest +=
          joinTime + 8 * tokens * work.columns * shape.parts * work.depth * perByte * cacheGain
      }
      if shape.isCopied { rest += joinTime }
      return launch + core + rest
    }

    /// What the kernel makes of a shape.
    struct Tiles {
      /// Query rows of a tile that are multiplied.
      var multiplied: Double
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

    private func tiles(_ work: KernelWork, sequences: Double, tokens: Double) -> Tiles {
      let query = tokens / sequences
      let group = max(1, work.columns / max(1, work.groups))
      let packs = isThree || (isDecode && group > 1)
      let isSlim = work.depth <= 64
      let rows: Double = isThree ? (isSlim ? 192 : query * group <= 64 ? 64 : 128) : 64
      let keys: Double = isThree ? (isNarrow ? 160 : 128) : (isSlim ? 256 : 128)
      let perToken = packs ? group : 1
      let stacked = (query * perToken / rows).rounded(.up)
      let seen = max(1, work.context)
      let most = (seen / keys).rounded(.up)
      var blocks = most
      if stacked > 1 {
        let own = min(rows / perToken, query)
        let visible = seen - (query - 1) / 2 + (own - 1) / 2
        blocks = min(visible / keys + 0.5 * (1 - min(1, own / keys)), most)
      }
      let count = sequences * (packs ? work.groups : work.columns) * stacked
      var shape = Tiles(
        multiplied: isThree && isDecode ? min(rows, 16 * (group / 16).rounded(.up)) : rows,
        keys: keys, count: count, blocks: blocks, longest: most, parts: 1,
        isCopied: !isThree && isDecode && group > 1 && work.groups > 1 && sequences > 1)
      let parts = min(wantedParts(count, blocks, most, group), 128, most)
      if parts > 1 {
        shape.longest = (most / parts).rounded(.up)
        shape.parts = (most / shape.longest).rounded(.up)
        shape.count *= shape.parts
        shape.blocks /= shape.parts
      }
      return shape
    }

    /// Into how many parts a kernel divides a tile's keys, where tiles are too few for the units.
    private func wantedParts(
      _ count: Double, _ blocks: Double, _ most: Double, _ group: Double
    ) -> Double {
      if isThree {
        guard count < 0.8 * units, most > 4 || isDecode else { return 1 }
        return (most / (1.1 * count * blocks / units).rounded(.up)).rounded(.up)
      }
      guard isDecode, group > 1, count < 1.6 * units else { return 1 }
      return (2 * units / count).rounded(.down)
    }
  }
}
