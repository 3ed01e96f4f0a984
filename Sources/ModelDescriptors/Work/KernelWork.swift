// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// The kinds of kernel that a timing law tells apart.
///
/// The raw value indexes a law's table of parameters.
public enum KernelFamily: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// A dense matrix product of several rows: projections, dense layers, the head, one expert.
  case gemm = 0
  /// The products of many experts in one launch; `rows` is the mean number of tokens per expert.
  case groupedGEMM = 1
  /// A matrix product of one row: reads the weights once and reuses nothing.
  case gemv = 2
  /// Attention of prompt tokens over the keys and values that they see.
  case attentionPrefill = 3
  /// Attention of one new token per sequence over its cached keys and values.
  case attentionDecode = 4
  /// A recurrent or chunked scan: Gated DeltaNet, Mamba-2, Kimi Delta Attention.
  case linearAttention = 5
  /// The router: a small product, scores and the choice of the top k.
  case gate = 6
  /// Norms, residual additions, rotary embeddings, activations: bytes only.
  case elementwise = 7
  /// The look-up of input embeddings.
  case embedding = 8
  /// A copy within one memory.
  case copy = 9
}

/// The work of one operation: what a timing law needs to know, and nothing of any device.
///
/// `flop` counts a multiplication and an addition as two. `bytes` is what must cross the device's
/// memory interface, read and written, when nothing is reused from an earlier operation: weights
/// once, activations in and out. A value with `kernels == 0` is no work and takes no time.
@frozen
public struct KernelWork: Hashable, Sendable, BitwiseCopyable {
  /// Floating-point operations.
  public var flop: Double
  /// Bytes read and written.
  public var bytes: Double
  /// Rows of the product, in tokens; for grouped products, the mean rows per group.
  public var rows: Double
  /// Columns of the product (output features); heads of attention.
  public var columns: Double
  /// Depth of the product (input features); width of a head of attention.
  public var depth: Double
  /// Sets of weights that are multiplied in one launch: the active experts of a grouped product; heads
  /// of keys and values of attention.
  public var groups: Double
  /// Sequences of attention.
  public var sequences: Double = 0
  /// Cached rows that a sequence's last token sees, on average over the sequences of attention.
  public var context: Double = 0
  /// Cached rows that the last token of the longest decoding sequence sees; 0 where nobody says.
  public var longest: Double = 0
  /// Launches that the operation consists of.
  public var kernels: Int32
  /// The kind of kernel.
  public var family: KernelFamily
  /// The peak at which a device multiplies operands of this format.
  public var computeClass: ComputeClass
  /// Whether weights are unpacked to a wider format before they are multiplied.
  public var isWeightOnly: Bool
  /// Whether it is attention over latent rows that all heads share.
  public var isLatent = false
  /// Whether the weights are sparse, so that kernels for sparse matrices multiply them.
  public var isSparse: Bool

  /// Creates the work of an operation.
  @inlinable
  public init(
    family: KernelFamily, flop: Double, bytes: Double, rows: Double, columns: Double = 0,
    depth: Double = 0, groups: Double = 1, computeClass: ComputeClass = .fp16,
    isWeightOnly: Bool = false, isSparse: Bool = false, kernels: Int = 1
  ) {
    self.flop = flop
    self.bytes = bytes
    self.rows = rows
    self.columns = columns
    self.depth = depth
    self.groups = groups
    self.kernels = Int32(truncatingIfNeeded: kernels)
    self.family = family
    self.computeClass = computeClass
    self.isWeightOnly = isWeightOnly
    self.isSparse = isSparse
  }

  /// No work: takes no time on any device.
  @inlinable
  public static var none: KernelWork {
    KernelWork(family: .elementwise, flop: 0, bytes: 0, rows: 0, kernels: 0)
  }

  /// Whether there is nothing to do.
  @inlinable
  public var isEmpty: Bool { kernels == 0 }

  /// FLOP per byte: the operation is compute bound where this exceeds the device's ratio.
  @inlinable
  public var arithmeticIntensity: Double { bytes > 0 ? flop / bytes : .infinity }

  /// A copy of `bytes` bytes within one memory: read once and written once.
  @inlinable
  public static func copy(bytes: Double) -> KernelWork {
    KernelWork(family: .copy, flop: 0, bytes: 2 * bytes, rows: 1)
  }
}
