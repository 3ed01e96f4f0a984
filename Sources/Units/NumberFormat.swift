// SPDX-License-Identifier: GPL-3.0-or-later

/// How weights or activations are stored: the bits of each element and the scales beside them.
///
/// Formats are named as users name them: "bf16", "fp8-128x128" (one FP32 scale for each block),
/// "int4-g64" (groups of 64 with an FP16 scale and an FP16 zero point, as HQQ keeps them),
/// "int4-g128-zp" (FP16 scale and a zero point of the element's width, as GPTQ and AWQ pack them),
/// "int4-g128-sym" (FP16 scale alone), "int2-g16-meta8" (8-bit scale and zero point, themselves
/// scaled in groups of 128, HQQ's `quant_scale` and `quant_zero`), "mxfp4", "nvfp4", "q4_k",
/// "int3-b3.85" (3-bit integers that take 3.85 bits with all that stands beside them, where a
/// published size says so and no layout gives it).
@frozen
public struct NumberFormat: Hashable, Sendable, BitwiseCopyable {
  /// The kind of element that is stored.
  public enum Element: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
    case fp32, tf32, bf16, fp16, fp8, int8, int6, int5, int4, int3, int2, int1
    case mxfp8, mxfp4, nvfp4
    case q80, q6K, q5K, q50, q4K, q41, q40, q3K, q2K, iq2XXS, iq1S
  }

  /// What stands beside each block of elements.
  public enum Metadata: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
    /// What the element's own format says; nothing for plain elements.
    case intrinsic
    /// An FP16 scale and an FP16 zero point.
    case scaleAndZero
    /// An FP16 scale and a zero point of the element's width.
    case packedZero
    /// An FP16 scale.
    case scale
    /// An 8-bit scale and an 8-bit zero point, with an FP16 scale and zero for each 128 scales.
    case quantized
    /// An FP32 scale for each block of rows and columns.
    case blockScale
    /// Whatever makes up the bits that were measured or published for each weight.
    case stated
  }

  /// The kind of element.
  public let element: Element
  /// What stands beside each block.
  public let metadata: Metadata
  /// Rows of a block; 1 for groups along a row.
  public let blockRows: UInt16
  /// Columns of a block, or elements of a group.
  public let blockColumns: UInt16

  @usableFromInline let payloadBits: Double  // of one element
  @usableFromInline let overheadBits: Double  // of one block

  /// Creates a plain or intrinsically blocked format.
  public init(_ element: Element) {
    self.element = element
    metadata = .intrinsic
    blockRows = 1
    let block = Self.intrinsicBlock(of: element)
    blockColumns = block.elements
    payloadBits = block.payload
    overheadBits = block.overhead
  }

  /// Creates a format of plain elements in blocks with scales beside them.
  ///
  /// - Precondition: `element` has no block of its own and the block is not empty.
  public init(_ element: Element, rows: UInt16 = 1, columns: UInt16, metadata: Metadata) {
    let plain = Self.intrinsicBlock(of: element)
    precondition(plain.elements == 1, "A format with blocks of its own takes no others.")
    precondition(rows > 0 && columns > 0, "A block has elements.")
    precondition(
      metadata != .intrinsic && metadata != .stated,
      "Blocks of plain elements need a kind of scale.")
    self.element = element
    self.metadata = metadata
    blockRows = rows
    blockColumns = columns
    payloadBits = plain.payload
    overheadBits =
      switch metadata {
      case .intrinsic, .stated: 0
      case .scaleAndZero: 32
      case .packedZero: 16 + plain.payload
      case .scale: 16
      case .quantized: 16 + 32.0 / 128
      case .blockScale: 32
      }
  }

  /// Creates a format of plain elements that take so many bits each, scales included.
  ///
  /// - Precondition: `element` has no block of its own, and `statedBits` is above 0 and at most 64.
  public init(_ element: Element, statedBits: Double) {
    precondition(
      Self.intrinsicBlock(of: element).elements == 1,
      "A format with blocks of its own takes no stated size.")
    precondition(statedBits > 0 && statedBits <= 64, "A weight takes some bits, 64 at most.")
    self.element = element
    metadata = .stated
    blockRows = 1
    blockColumns = 1
    payloadBits = statedBits
    overheadBits = 0
  }

  /// How many elements share the scales of one block; 1 for plain formats.
  @inlinable
  public var blockElements: Int { Int(blockRows) * Int(blockColumns) }

  /// Bits of one weight, its share of scales and zero points included: 4.25 for mxfp4.
  @inlinable
  public var bitsPerWeight: Double { payloadBits + overheadBits / Double(blockElements) }

  /// The bytes of `elements` weights, scales included; rounded up, a started block counted whole in
  /// its scales but not in its elements.
  ///
  /// - Precondition: `elements` is not negative.
  @inlinable
  public func bytes(elements: Int) -> Int64 {
    precondition(elements >= 0, "A tensor has no negative number of elements.")
    let blocks = (elements + blockElements - 1) / blockElements
    let bits = Double(elements) * payloadBits + Double(blocks) * overheadBits
    return Int64((bits / 8).rounded(.up))
  }

  /// The peak rate at which arithmetic on this format runs, on hardware that has it.
  ///
  /// Weights in 6 bits or fewer that hardware does not multiply are expanded to 16 bits first and
  /// run at the 16-bit rate; so are GGUF's block formats.
  public var computeClass: ComputeClass {
    switch element {
    case .fp32: .fp32
    case .tf32: .tf32
    case .fp8, .mxfp8: .fp8
    case .int8: .int8
    case .mxfp4, .nvfp4: .fp4
    default: .fp16
    }
  }

  /// Whether the weights are expanded to 16 bits before they are multiplied, on hardware which has
  /// every compute class.
  public var isWeightOnly: Bool {
    switch element {
    case .fp32, .tf32, .bf16, .fp16, .fp8, .mxfp8, .int8, .mxfp4, .nvfp4: false
    default: true
    }
  }

  /// The bits, intrinsic block and bits of its scales for an element.
  ///
  /// GGUF blocks are those of ggml-org/llama.cpp `ggml/src/ggml-common.h`; mxfp4 and mxfp8 have an
  /// E8M0 scale for 32 elements (OCP Microscaling Formats v1.0); nvfp4 has an E4M3 scale for 16.
  private static func intrinsicBlock(
    of element: Element
  ) -> (elements: UInt16, payload: Double, overhead: Double) {
    switch element {
    case .fp32, .tf32: (1, 32, 0)
    case .bf16, .fp16: (1, 16, 0)
    case .fp8, .int8: (1, 8, 0)
    case .int6: (1, 6, 0)
    case .int5: (1, 5, 0)
    case .int4: (1, 4, 0)
    case .int3: (1, 3, 0)
    case .int2: (1, 2, 0)
    case .int1: (1, 1, 0)
    case .mxfp8: (32, 8, 8)
    case .mxfp4: (32, 4, 8)
    case .nvfp4: (16, 4, 8)
    case .q80: (32, 8, 16)  // 34 bytes
    case .q6K: (256, 6, 144)  // 210 bytes
    case .q5K: (256, 5, 128)  // 176 bytes
    case .q50: (32, 5, 16)  // 22 bytes
    case .q4K: (256, 4, 128)  // 144 bytes
    case .q41: (32, 4, 32)  // 20 bytes
    case .q40: (32, 4, 16)  // 18 bytes
    case .q3K: (256, 3, 112)  // 110 bytes
    case .q2K: (256, 2, 160)  // 84 bytes
    case .iq2XXS: (256, 2, 16)  // 66 bytes
    case .iq1S: (256, 1.5, 16)  // 50 bytes
    }
  }
}

extension NumberFormat {
  /// IEEE single precision.
  public static let fp32 = NumberFormat(.fp32)
  /// Single precision in memory, multiplied in 19 bits.
  public static let tf32 = NumberFormat(.tf32)
  /// bfloat16.
  public static let bf16 = NumberFormat(.bf16)
  /// IEEE half precision.
  public static let fp16 = NumberFormat(.fp16)
  /// 8-bit floating point with a scale for each tensor, which is not counted.
  public static let fp8 = NumberFormat(.fp8)
  /// 8-bit floating point with an FP32 scale for each 128×128 block, as DeepSeek-V3 is published.
  public static let fp8Block128 = NumberFormat(
    .fp8, rows: 128, columns: 128, metadata: .blockScale)
  /// 8-bit integers.
  public static let int8 = NumberFormat(.int8)
  /// 4-bit integers without scales.
  public static let int4 = NumberFormat(.int4)
  /// 3-bit integers without scales.
  public static let int3 = NumberFormat(.int3)
  /// 2-bit integers without scales.
  public static let int2 = NumberFormat(.int2)
  /// 4-bit floating point, an 8-bit exponent for each 32: 4.25 bits.
  public static let mxfp4 = NumberFormat(.mxfp4)
  /// 4-bit floating point, an FP8 scale for each 16: 4.5 bits.
  public static let nvfp4 = NumberFormat(.nvfp4)
  /// GGUF's 4-bit super-blocks of 256: 4.5 bits.
  public static let q4K = NumberFormat(.q4K)
}
