// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors
import Units
import Testing

@testable import KernelTiming

/// The law of attention against its comment, written a second time.
@Suite struct AttentionLawTests {
  static let device = DeviceCapability(
    name: "round",
    peaks: [.fp32: .init(nominal: 1e13), .fp16: .init(nominal: 3.2e14, achievable: 2.5e14)],
    bandwidth: .init(nominal: 2e12, achievable: 1.8e12), units: 100, clock: 1e9, cacheBytes: 40e6)

  /// A batch, as the law sees it.
  struct Shape {
    var sequences = 1.0
    var query = 1.0
    var context = 1.0
    var heads = 32.0
    var keyValueHeads = 8.0
    var width = 128.0

    func work(isDecode: Bool) -> KernelWork {
      var work = KernelWork(
        family: isDecode ? .attentionDecode : .attentionPrefill,
        flop: 4 * sequences * query * context * heads * width,
        bytes: 4 * sequences * context * keyValueHeads * width, rows: sequences * query,
        columns: heads, depth: width, groups: keyValueHeads)
      work.sequences = sequences
      work.context = context
      return work
    }
  }

  /// W tiles of n blocks each, by walking over the tiles.
  static func tiles(
    _ law: AttentionLaw, _ shape: Shape
  ) -> (rows: Double, keys: Double, count: Double, blocks: Double, longest: Double, parts: Double) {
    let share = shape.heads / shape.keyValueHeads
    let isThree = law.kernel == .flash3
    let rows: Double
    let keys: Double
    switch (isThree, shape.width <= 64) {
    case (true, true): (rows, keys) = (192, law.isNarrow ? 160 : 128)
    case (true, false):
      (rows, keys) = (shape.query * share <= 64 ? 64 : 128, law.isNarrow ? 160 : 128)
    case (false, true): (rows, keys) = (64, 256)
    case (false, false): (rows, keys) = (64, 128)
    }
    let packs = isThree || (law.isDecode && share > 1)
    let stacks = ceil(shape.query * (packs ? share : 1) / rows)
    let tiles = shape.sequences * (packs ? shape.keyValueHeads : shape.heads) * stacks
    let all = ceil(shape.context / keys)
    var mean = all
    if stacks > 1 {
      // Queries of a tile see what stands before them: on average half of the prompt is not yet seen.
      let tokens = min(rows / (packs ? share : 1), shape.query)
      let seen = shape.context - shape.query / 2 + tokens / 2
      mean = min(all, seen / keys + (tokens < keys ? (1 - tokens / keys) / 2 : 0))
    }
    var parts = 1.0
    if isThree, tiles < 0.8 * Self.device.units, all > 4 || law.isDecode {
      parts = ceil(all / ceil(1.1 * tiles * mean / Self.device.units))
    } else if !isThree, law.isDecode, share > 1, tiles < 1.6 * Self.device.units {
      parts = floor(2 * Self.device.units / tiles)
    }
    parts = max(1, min(parts, 128, all))
    let longest = parts > 1 ? ceil(all / parts) : all
    if parts > 1 { parts = ceil(all / longest) }
    return (rows, keys, tiles * parts, mean / parts, longest, parts)
  }

  static func naive(_ law: AttentionLaw, _ shape: Shape, cached: Bool) -> Double {
    let tile = tiles(law, shape)
    let (peak, bandwidth, units) = (3.2e14, 2e12, 100.0)
    // Version 3 multiplies, of a decoding tile, the group's rows in steps of 16; all else whole tiles.
    let share = shape.heads / shape.keyValueHeads
    let multiplied =
      law.kernel == .flash3 && law.isDecode ? min(tile.rows, 16 * ceil(share / 16)) : tile.rows
    let block = 4 * multiplied * tile.keys * (shape.width + law.softmaxColumns) / (peak / units)
    let item = law.tileTime * (tile.keys / 128) * (shape.width / 128)
    let tokens = shape.sequences * shape.query
    // Queries are read and results written, 2 bytes each.
    let queryBytes = 2 * 2 * tokens * shape.heads * shape.width
    let alone = tile.longest * block / law.aloneEfficiency + item
    let all =
      tile.count * (item + tile.blocks * block / law.computeEfficiency) / units
      + queryBytes / (bandwidth * law.queryEfficiency)
    let bytes = 4 * shape.sequences * shape.context * shape.keyValueHeads * shape.width
    let plain = bytes / (bandwidth * law.memoryEfficiency)
    var memory = plain + (law.ramp > 0 ? law.ramp * plain / (plain + law.ramp) : 0)
    if cached {
      let hit = 1 / (1 + pow(min(50, bytes / (law.cacheShare * 40e6)), 6))
      memory = hit * bytes / (bandwidth * law.cacheSpeed) + (1 - hit) * memory
    }
    let p = law.isDecode ? 3.0 : 2.0
    var seconds = law.launch + pow(pow(alone, p) + pow(all, p) + pow(memory, p), 1 / p)
    seconds += law.tokenTime * tokens / units
    let newRows = tokens * shape.keyValueHeads * shape.width
    seconds += newRows * (law.isNarrow ? 6 : 8) / (0.7 * bandwidth)
    if tile.parts > 1 {
      let partial = 2 * 4 * tokens * shape.heads * shape.width * tile.parts
      seconds += law.joinTime + partial / (bandwidth * law.cacheSpeed)
    }
    if law.kernel == .flash2, law.isDecode, shape.heads > shape.keyValueHeads,
      shape.keyValueHeads > 1, shape.sequences > 1
    {
      seconds += law.joinTime
    }
    return seconds
  }

  static func random(_ random: inout RandomWorks) -> (AttentionLaw, Shape) {
    var law = AttentionLaw(
      kernel: Bool.random(using: &random) ? .flash2 : .flash3,
      isDecode: Bool.random(using: &random))
    law.isNarrow = Bool.random(using: &random)
    for (_, path) in AttentionLaw.shares { law[keyPath: path] *= random.number(0.5...2) }
    for (_, path) in AttentionLaw.times { law[keyPath: path] = random.number(0...1e-5) }
    var shape = Shape()
    shape.sequences = random.size(0...8)
    shape.query = law.isDecode ? 1 : random.size(0...12)
    shape.context = shape.query + random.size(0...14) - 1
    shape.keyValueHeads = random.size(0...4)
    shape.heads = shape.keyValueHeads * ([1, 2, 4, 8].randomElement(using: &random) ?? 1)
    shape.width = [64, 128, 256].randomElement(using: &random) ?? 128
    return (law, shape)
  }

  @Test(arguments: 1...20)
  func `The law is its comment's formulas`(seed: UInt64) {
    var random = RandomWorks(seed: seed)
    for _ in 0..<60 {
      let (law, shape) = Self.random(&random)
      let work = shape.work(isDecode: law.isDecode)
      for cached in [false, true] {
        let wanted = Self.naive(law, shape, cached: cached)
        let found = law.seconds(work, on: Self.device, cached: cached)
        #expect(abs(found / wanted - 1) < 1e-9, "\(law) \(shape) \(found) \(wanted)")
      }
    }
  }

  @Test(arguments: 1...20)
  func `A device with the law predicts by it, grid included`(seed: UInt64) {
    var random = RandomWorks(seed: seed)
    var (law, shape) = Self.random(&random)
    law.grid = random.grid()
    var laws = TimingLaws.datasheet
    laws.attention = [law]
    let timing = DeviceTiming(capability: Self.device, laws: laws)
    let work = shape.work(isDecode: law.isDecode)
    let wanted = law.seconds(work, on: Self.device) * (law.grid?.factor(work) ?? 1)
    #expect(abs(timing.seconds(work) / wanted - 1) < 1e-12)
    let parts = timing.parts(work)
    #expect(min(parts.overhead, parts.compute, parts.memory) >= 0)
    // The other phase, and work without sequences, fall back on the family's law.
    let other = shape.work(isDecode: !law.isDecode)
    let plain = DeviceTiming(capability: Self.device, laws: .datasheet)
    #expect(timing.seconds(other) == plain.seconds(other))
    var bare = work
    bare.sequences = 0
    #expect(timing.seconds(bare) == plain.seconds(bare))
  }

  @Test func `More rows never take less, but where tiles are divided into parts`() {
    for kernel in AttentionLaw.Kernel.allCases {
      for isDecode in [true, false] {
        let law = AttentionLaw(kernel: kernel, isDecode: isDecode)
        var last = 0.0
        for exponent in 0..<8 {
          var shape = Shape()
          shape.sequences = 64
          shape.query = isDecode ? 1 : 128
          shape.context = 128 * exp2(Double(exponent))
          let seconds = law.seconds(shape.work(isDecode: isDecode), on: Self.device)
          #expect(seconds > last, "\(kernel) \(isDecode) \(shape.context)")
          last = seconds
        }
      }
    }
  }
}
