// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors
import Units

extension LatentAttentionLaw {
  /// Kernels of the module that was timed: products, norms, rotation, the attention.
  static let kernelsOfModule = 13.0

  /// The attention alone, on a device.
  func core(on device: DeviceCapability, software: SoftwareCosts = .none) -> Core {
    let units = max(1, device.units)
    let peak = device.peak(for: .fp16).rate.nominal * software.computeEfficiency
    return Core(
      isFlash: kernel == .flash, units: units, launch: launch / Self.kernelsOfModule,
      tileTime: tileTime, ramp: ramp, joinTime: joinTime, perFlop: units / peak,
      aloneLoss: 1 / aloneEfficiency, computeLoss: 1 / computeEfficiency,
      perByte: 1 / (device.bandwidth.nominal * software.memoryEfficiency),
      memoryLoss: 1 / memoryEfficiency, cacheGain: 1 / cacheSpeed)
  }

  /// The attention of the module, its projections apart, as numbers alone.
  @usableFromInline
  struct Core: Sendable, BitwiseCopyable {
    /// The width of the latent that its blocks are of.
    @usableFromInline static let width = 512.0
    /// Values of a cached row.
    static let rowValues = 576.0

    var isFlash: Bool
    var units: Double
    /// Seconds of its launch: the module's, by the number of its kernels.
    var launch: Double
    var tileTime: Double
    var ramp: Double
    var joinTime: Double
    /// Seconds a FLOP of a unit.
    var perFlop: Double
    var aloneLoss: Double
    var computeLoss: Double
    /// Seconds a byte.
    var perByte: Double
    var memoryLoss: Double
    var cacheGain: Double

    /// Seconds of a step's attention whose rows come from memory.
    ///
    /// - Parameter launch: seconds a launch, beside the law's.
    /// - Complexity: O(1), no allocation.
    @usableFromInline
    func parts(_ work: KernelWork, launch: Double) -> DeviceTiming.Parts {
      let shape = Shape(
        sequences: work.sequences, heads: work.columns, context: max(1, work.context))
      let seconds =
        Double(work.kernels) * (launch + self.launch)
        + seconds(shape, cacheBytes: work.bytes, hit: 0)
      let memory = min(work.bytes * perByte * memoryLoss, seconds)
      let compute = min(work.flop * perFlop * computeLoss / units, seconds)
      return DeviceTiming.Parts(
        overhead: seconds - max(memory, compute), compute: compute, memory: memory)
    }

    /// Seconds without a launch.
    ///
    /// - Parameters:
    ///   - cacheBytes: bytes of cached rows.
    ///   - hit: the share of them that the device's cache holds.
    func seconds(_ shape: Shape, cacheBytes: Double, hit: Double) -> Double {
      let heads: Double = isFlash ? 64 : shape.heads > 1 ? 16 : 1
      let rows: Double = isFlash ? 64 : 32
      let count = shape.sequences * (shape.heads / heads).rounded(.up)
      let blocks = (shape.context / rows).rounded(.up)
      var parts = 1.0
      if !isFlash {
        let most = max(1, (2 * units / count).rounded(.down))
        parts = min((shape.context / 512).rounded(.up), most, 128)
      } else if count < 0.8 * units {
        parts = min((blocks / (1.1 * count * blocks / units).rounded(.up)).rounded(.up), 128)
      }
      parts = max(1, parts)
      let block = 2 * heads * rows * (2 * Self.width + 64) * perFlop
      let alone = tileTime + (blocks / parts).rounded(.up) * block * aloneLoss
      let all = count * parts * (tileTime + blocks / parts * block * computeLoss) / units
      let bytes = cacheBytes * perByte
      let memory = (1 - hit) * (bytes * memoryLoss + ramp) + hit * bytes * cacheGain
      var seconds = cbrt(alone * alone * alone + all * all * all + memory * memory * memory)
      if parts > 1 {
        seconds +=
          joinTime + 8 * shape.sequences * shape.heads * parts * Self.width * perByte * cacheGain
      }
      return seconds
    }
  }
}
