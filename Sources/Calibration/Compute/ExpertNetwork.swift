// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries

/// One expert's feed-forward network on a processor: down(silu(gate x) * up x), for a batch of tokens.
///
/// An expert is one run of bytes, fit to be read from a drive in one piece: packed gate and up weights
/// as a single matrix (the rows of up after those of gate), packed down weights, and, of bytes, the sums
/// of each row of weights that unsigned activations need. Weights of bytes share one scale.
public final class ExpertNetwork {
  /// The size of a token's vector.
  public let hidden: Int
  /// The inner width.
  public let width: Int
  /// The most tokens of a batch.
  public let maximumTokens: Int
  /// Bytes of an expert, a multiple of 4096.
  public let bytes: Int
  /// Scale of weights in bytes: a byte of 127 stands for this times 127.
  public let weightScale: Float

  private let library: ComputeLibrary
  /// The products that decide the order of weights.
  private let gateUp: MatrixProduct
  private let down: MatrixProduct
  private let downOffset: Int
  private let sumsOffset: Int
  /// Products for each number of tokens, made when it first occurs; index 0 is unused.
  private var gateUpProducts: [MatrixProduct?]
  private var downProducts: [MatrixProduct?]

  private let input: LockableMemory
  private let inner: LockableMemory
  private let activated: LockableMemory
  private let sums: LockableMemory
  private let scales: LockableMemory

  /// Prepares the network.
  ///
  /// - Parameters:
  ///   - packingTokens: The batch size whose favourite order of weights is used for all.
  ///   - weightScale: The scale of weights in bytes; by default such that bytes cover ±0.05.
  public init(
    _ library: ComputeLibrary, hidden: Int, width: Int, maximumTokens: Int, packingTokens: Int = 1,
    weightScale: Float = 0.05 / 127
  ) throws {
    precondition(maximumTokens >= 1, "An expert computes at least one token.")
    self.library = library
    self.hidden = hidden
    self.width = width
    self.maximumTokens = maximumTokens
    self.weightScale = weightScale
    gateUp = try MatrixProduct(library, rows: packingTokens, columns: 2 * width, depth: hidden)
    down = try MatrixProduct(library, rows: packingTokens, columns: hidden, depth: width)
    downOffset = Self.rounded(gateUp.weightBytes)
    sumsOffset = downOffset + Self.rounded(down.weightBytes)
    bytes = sumsOffset + (library.precision == .int8 ? Self.rounded(4 * (2 * width + hidden)) : 0)
    gateUpProducts = Array(repeating: nil, count: maximumTokens + 1)
    downProducts = Array(repeating: nil, count: maximumTokens + 1)
    let inputBytes = library.precision.inputBytes
    input = try LockableMemory(bytes: maximumTokens * hidden * inputBytes)
    inner = try LockableMemory(bytes: maximumTokens * 2 * width * 4)
    activated = try LockableMemory(bytes: maximumTokens * width * 4)
    let sumBytes = library.precision == .int8 ? maximumTokens * max(2 * width, hidden) * 4 : 0
    sums = try LockableMemory(bytes: sumBytes)
    scales = try LockableMemory(bytes: maximumTokens * 4)
  }

  private static func rounded(_ bytes: Int) -> Int { (bytes + 4095) / 4096 * 4096 }

  /// The library's routine of the first product for a number of tokens.
  public func routine(tokens: Int) throws -> String { try products(tokens).0.routine }

  /// Makes the products of a number of tokens, so that the first run does not pay for it.
  public func prepare(tokens: Int) throws { _ = try products(tokens) }

  private func products(_ tokens: Int) throws -> (MatrixProduct, MatrixProduct) {
    precondition(
      (1...maximumTokens).contains(tokens), "A batch is as large as the network was prepared for.")
    if let first = gateUpProducts[tokens], let second = downProducts[tokens] {
      return (first, second)
    }
    let first = try MatrixProduct(
      library, rows: tokens, columns: 2 * width, depth: hidden, packing: gateUp)
    let second = try MatrixProduct(
      library, rows: tokens, columns: hidden, depth: width, packing: down)
    gateUpProducts[tokens] = first
    downProducts[tokens] = second
    return (first, second)
  }

  /// Packs plain weights of 32-bit values into an expert's bytes.
  ///
  /// - Parameters:
  ///   - gate: `width` rows of `hidden`.
  ///   - up: `width` rows of `hidden`.
  ///   - downWeights: `hidden` rows of `width`.
  public func pack(
    gate: [Float], up: [Float], down downWeights: [Float], into expert: UnsafeMutableRawPointer
  ) throws {
    precondition(gate.count == hidden * width && up.count == gate.count, "Weights fit the shape.")
    precondition(downWeights.count == gate.count, "Weights fit the shape.")
    let plain = try LockableMemory(bytes: 2 * gate.count * library.precision.weightBytes)
    encode(gate, into: plain.base)
    encode(up, into: plain.base + gate.count * library.precision.weightBytes)
    try pack(plain: plain.base, gateUp, 2 * width, hidden, at: 0, sumsAt: 0, of: expert)
    encode(downWeights, into: plain.base)
    try pack(plain: plain.base, down, hidden, width, at: downOffset, sumsAt: 2 * width, of: expert)
  }

  /// Fills an expert's bytes with pseudo-random weights, the same for the same seed.
  public func fill(_ expert: UnsafeMutableRawPointer, seed: UInt64) throws {
    let scale = 127 * weightScale
    let count = 2 * width * hidden
    let plain = try LockableMemory(bytes: count * library.precision.weightBytes)
    for part in 0..<2 {
      let weights = part == 0 ? count : count / 2
      let partSeed = seed &* 2 &+ UInt64(part)
      switch library.precision {
      case .float32:
        ccl_fill_float(plain.values(of: Float.self), weights, partSeed, scale)
      case .bfloat16:
        ccl_fill_bfloat16(plain.values(of: UInt16.self), weights, partSeed, scale)
      case .int8:
        ccl_fill_bytes(plain.base, weights, partSeed)
      }
      if part == 0 {
        try pack(plain: plain.base, gateUp, 2 * width, hidden, at: 0, sumsAt: 0, of: expert)
      } else {
        try pack(
          plain: plain.base, down, hidden, width, at: downOffset, sumsAt: 2 * width, of: expert)
      }
    }
  }

  private func pack(
    plain: UnsafeMutableRawPointer, _ product: MatrixProduct, _ rows: Int, _ columns: Int,
    at offset: Int, sumsAt firstSum: Int, of expert: UnsafeMutableRawPointer
  ) throws {
    try product.pack(plain, into: expert + offset)
    guard library.precision == .int8 else { return }
    let bytes = plain.assumingMemoryBound(to: Int8.self)
    let rowSums = (expert + sumsOffset).assumingMemoryBound(to: Int32.self) + firstSum
    for row in 0..<rows {
      var sum: Int32 = 0
      for column in 0..<columns { sum += Int32(bytes[row * columns + column]) }
      rowSums[row] = sum
    }
  }

  private func encode(_ values: [Float], into plain: UnsafeMutableRawPointer) {
    switch library.precision {
    case .float32:
      values.withUnsafeBytes { plain.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    case .bfloat16:
      ccl_to_bfloat16(values, plain.assumingMemoryBound(to: UInt16.self), values.count)
    case .int8:
      let bytes = plain.assumingMemoryBound(to: Int8.self)
      for (index, value) in values.enumerated() {
        bytes[index] = Int8(max(-127, min(127, (value / weightScale).rounded())))
      }
    }
  }

  /// Computes the expert for a batch.
  ///
  /// - Parameters:
  ///   - expert: An expert's bytes, of this network's packing.
  ///   - tokens: Vectors of the batch.
  ///   - vectors: `tokens` rows of `hidden` values.
  ///   - output: `tokens` rows of `hidden` values.
  public func run(
    expert: UnsafeRawPointer, tokens: Int, vectors: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>
  ) throws {
    let (first, second) = try products(tokens)
    let innerValues = inner.values(of: Float.self)
    switch library.precision {
    case .float32:
      try first.run(input: vectors, weights: expert, output: inner.base)
      activate(tokens) { gate, up, row in
        ccl_silu_multiply(gate, up, activated.values(of: Float.self) + row * width, width)
      }
      try second.run(input: activated.base, weights: expert + downOffset, output: output)
    case .bfloat16:
      ccl_to_bfloat16(vectors, input.values(of: UInt16.self), tokens * hidden)
      try first.run(input: input.base, weights: expert, output: inner.base)
      activate(tokens) { gate, up, row in
        ccl_silu_multiply_bfloat16(
          gate, up, activated.values(of: UInt16.self) + row * width, width)
      }
      try second.run(input: activated.base, weights: expert + downOffset, output: output)
    case .int8:
      let rowSums = (expert + sumsOffset).assumingMemoryBound(to: Int32.self)
      let bytes = input.values(of: UInt8.self)
      let rowScales = scales.values(of: Float.self)
      ccl_quantise_rows(vectors, bytes, rowScales, tokens, hidden)
      try first.run(input: bytes, weights: expert, output: sums.base)
      ccl_dequantise(
        sums.values(of: Int32.self), rowSums, rowScales, weightScale, innerValues, tokens, 2 * width
      )
      // The product of both halves goes where a row's gate was, then to bytes.
      let values = activated.values(of: Float.self)
      activate(tokens) { gate, up, row in
        ccl_silu_multiply(gate, up, values + row * width, width)
      }
      let innerBytes = inner.values(of: UInt8.self)
      ccl_quantise_rows(values, innerBytes, rowScales, tokens, width)
      try second.run(input: innerBytes, weights: expert + downOffset, output: sums.base)
      ccl_dequantise(
        sums.values(of: Int32.self), rowSums + 2 * width, rowScales, weightScale, output, tokens,
        hidden)
    }
  }

  /// Visits the gate and up halves of each row of the first product.
  private func activate(
    _ tokens: Int, _ row: (UnsafePointer<Float>, UnsafePointer<Float>, Int) -> Void
  ) {
    let values = inner.values(of: Float.self)
    for token in 0..<tokens {
      let gate = values + token * 2 * width
      row(gate, gate + width, token)
    }
  }
}
