// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors

/// The time of a whole module of multi-head latent attention that decodes one token for each of b
/// sequences: projections, norms, rotation, absorption of the up-projections, attention over the
/// cached latent rows, output projection.
///
/// The widths are those of DeepSeek-V3 (arXiv:2412.19437): hidden 7168, latents 1536 of queries and 512
/// of rows with 64 rotary values beside, 128 plain and 128 value columns a head. H heads are those on
/// this device. For c visible rows, the current one among them, w_i bytes and f_i FLOP of projection i
/// (down, query up, key absorption, value absorption, output), K = 576 · b · c · bytes of a value, C
/// bytes of cache before the memory, and U units:
///
///     hit   = 1/(1 + ((Σ weights + K + queries)/(0.85 · C))⁶) where a benchmark repeats itself, else 0
///     rate  = bandwidth · (weightEfficiency · (1 − hit) + cacheSpeed · hit)
///     projections = Σ √((w_i/rate)² + (f_i/(peak_i · productEfficiency))²)
///     block = 2 · TM · TN · 1088 · U/peak: one block of TM query heads by TN rows
///     alone = tileTime + longest · block/aloneEfficiency: the tile part with most blocks
///     all   = tiles · (tileTime + blocks · block/computeEfficiency)/U
///     memory = (1 − hit) · (K/(bandwidth · memoryEfficiency) + ramp) + hit · K/(bandwidth · cacheSpeed)
///     core  = (alone³ + all³ + memory³)^(1/3)
///             + where tiles are split: joinTime + parts written and read/(bandwidth · cacheSpeed)
///     seconds = launch + projections + core + b · rowTime + (1 − 1/b) · batchTime
///
/// `launch` stands for all of the module's kernels in one graph of launches. Tiles and their division
/// among units follow the public kernels: `flash` blocks of 64 by 64 (FlashAttention 3, FlashMLA),
/// `triton` of 16 by 32 (vLLM's grouped kernel; one head at a time where there is one head).
public struct LatentAttentionLaw: OperationLaw {
  /// How the attention itself is divided.
  public enum Kernel: String, CaseIterable, Hashable, Sendable {
    case flash, triton
  }

  /// What is decoded.
  public struct Shape: Hashable, Sendable {
    /// Sequences.
    public var sequences: Double
    /// Heads on this device.
    public var heads: Double
    /// Rows that each sequence sees, the current token's among them.
    public var context: Double

    /// A shape.
    public init(sequences: Double, heads: Double, context: Double) {
      self.sequences = sequences
      self.heads = heads
      self.context = context
    }
  }

  /// How the attention itself is divided.
  public var kernel: Kernel
  /// Whether weights of the projections but the absorbed ones are stored and multiplied in 8 bits.
  public var hasNarrowWeights: Bool
  /// Whether cached rows are stored in 8 bits a value.
  public var hasNarrowCache: Bool
  /// Whether it is for a single head on the device, which some kernels treat apart.
  public var isSingleHead = false

  /// Seconds of all launches.
  public var launch = 6e-5
  /// The share of the memory's rate at which weights are read.
  public var weightEfficiency = 0.7
  /// The share of the peak that projections reach.
  public var productEfficiency = 0.5
  /// Seconds to begin and end a tile part.
  public var tileTime = 1.5e-6
  /// The share of the peak that attention reaches with all units busy.
  public var computeEfficiency = 0.6
  /// The same for one tile part on its own unit.
  public var aloneEfficiency = 0.5
  /// The share of the memory's rate at which cached rows are read.
  public var memoryEfficiency = 0.85
  /// Seconds before the memory delivers.
  public var ramp = 3e-6
  /// How much faster than memory the cache is.
  public var cacheSpeed = 2.0
  /// Seconds that several sequences take more than one.
  public var batchTime = 1e-6
  /// Seconds to join split tiles.
  public var joinTime = 3e-6
  /// Seconds a sequence.
  public var rowTime = 2e-8
  /// What the law leaves over, by sequences, context and heads.
  public var grid: KernelGrid?
  /// How good it is on unseen shapes.
  public var residuals: TimingLaws.Residuals?

  /// A law with parameters that fits begin with.
  public init(kernel: Kernel, hasNarrowWeights: Bool, hasNarrowCache: Bool) {
    self.kernel = kernel
    self.hasNarrowWeights = hasNarrowWeights
    self.hasNarrowCache = hasNarrowCache
  }

  /// Seconds by the law alone.
  public func seconds(_ shape: Shape, on device: DeviceCapability, cached: Bool) -> Double {
    let bandwidth = device.bandwidth.nominal
    let peak = device.peak(for: .fp16).rate.nominal
    let matrices = projections(shape)
    let cacheBytes = shape.sequences * shape.context * 576 * (hasNarrowCache ? 1 : 2)
    var hit = 0.0
    if cached, device.cacheBytes > 0 {
      let weights = matrices.reduce(0) { $0 + $1.weights }
      let bytes = weights + cacheBytes + 2 * shape.sequences * shape.heads * 1_088
      let ratio = min(50, bytes / (0.85 * device.cacheBytes))
      let square = ratio * ratio
      hit = 1 / (1 + square * square * square)
    }
    let rate = bandwidth * (weightEfficiency * (1 - hit) + cacheSpeed * hit)
    let narrowPeak = hasNarrowWeights ? device.peak(for: .fp8).rate.nominal : peak
    var seconds =
      launch + shape.sequences * rowTime + (1 - 1 / max(1, shape.sequences)) * batchTime
    for matrix in matrices {
      let memory = (matrix.weights + matrix.activations) / rate
      let compute =
        matrix.flop / ((matrix.isAbsorbed ? peak : narrowPeak) * productEfficiency)
      seconds += (memory * memory + compute * compute).squareRoot()
    }
    return seconds + core(on: device).seconds(shape, cacheBytes: cacheBytes, hit: hit)
  }

  private struct Matrix {
    var weights: Double
    var activations: Double
    var flop: Double
    var isAbsorbed: Bool
  }

  private func projections(_ shape: Shape) -> [Matrix] {
    let (batch, heads) = (shape.sequences, shape.heads)
    let matrix = { (elements: Double, columns: Double, isAbsorbed: Bool) in
      Matrix(
        weights: elements * (hasNarrowWeights && !isAbsorbed ? 1 : 2),
        activations: 2 * batch * columns, flop: 2 * batch * elements, isAbsorbed: isAbsorbed)
    }
    return [
      matrix(7_168 * 2_112, 7_168 + 2_112, false),
      matrix(1_536 * 192 * heads, 1_536 + 192 * heads, false),
      matrix(128 * 512 * heads, 640 * heads, true),
      matrix(512 * 128 * heads, 640 * heads, true),
      matrix(128 * 7_168 * heads, 128 * heads + 7_168, false),
    ]
  }

  /// A feature of a shape, for the grid.
  public static func value(of feature: KernelGrid.Feature, in shape: Shape) -> Double {
    switch feature {
    case .sequences: max(shape.sequences, 1)
    case .context: max(shape.context, 1)
    case .columns: max(shape.heads, 1)
    default: 1
    }
  }
}

extension LatentAttentionLaw {
  /// Parameters without a unit, by their names in files.
  public static let shares:
    [(name: String, path: WritableKeyPath<LatentAttentionLaw, Double> & Sendable)] = [
      ("weight_efficiency", \.weightEfficiency), ("product_efficiency", \.productEfficiency),
      ("compute_efficiency", \.computeEfficiency), ("alone_efficiency", \.aloneEfficiency),
      ("memory_efficiency", \.memoryEfficiency), ("cache_speed", \.cacheSpeed),
    ]

  /// Parameters in seconds.
  public static let times:
    [(name: String, path: WritableKeyPath<LatentAttentionLaw, Double> & Sendable)] = [
      ("launch", \.launch), ("tile_time", \.tileTime), ("ramp", \.ramp),
      ("batch_time", \.batchTime), ("join_time", \.joinTime), ("row_time", \.rowTime),
    ]
}
