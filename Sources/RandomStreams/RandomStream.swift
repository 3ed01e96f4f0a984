// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// A stream of random numbers named by (seed, replication, purpose, entity).
///
/// The key of Philox-4×32 is made of seed and replication, its counter of purpose (16 bits),
/// entity (64 bits) and the number of the block within the stream (48 bits). A stream is thus
/// independent of what others draw: changing one policy or one request reshuffles nothing else.
@frozen
public struct RandomStream: RandomNumberGenerator, Sendable, BitwiseCopyable {
  @usableFromInline var key0: UInt32
  @usableFromInline var key1: UInt32
  @usableFromInline var entity: UInt64
  @usableFromInline var purpose: UInt64  // in the upper 16 bits
  @usableFromInline var nextBlock: UInt64  // below 2^48
  @usableFromInline var first: UInt64
  @usableFromInline var second: UInt64
  @usableFromInline var used: UInt8  // words of the block already given out, 4 when none is left

  /// The stream of one entity's draws for one purpose.
  ///
  /// - Parameters:
  ///   - seed: the seed of the experiment.
  ///   - replication: the number of the replication.
  ///   - purpose: what the draws are for.
  ///   - entity: whose draws they are: a request, a layer, a user.
  ///
  /// Keys of different replications of one seed never coincide.
  @inlinable
  public init(seed: UInt64, replication: UInt32, purpose: StreamPurpose, entity: UInt64) {
    // The finaliser of SplitMix64, a bijection (Steele, Lea and Flood, 2014).
    var mixed = seed &+ UInt64(replication) &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
    mixed ^= mixed &>> 31
    key0 = UInt32(truncatingIfNeeded: mixed)
    key1 = UInt32(truncatingIfNeeded: mixed &>> 32)
    self.entity = entity
    self.purpose = UInt64(purpose.rawValue) &<< 48
    nextBlock = 0
    first = 0
    second = 0
    used = 4
  }

  /// This stream for another entity, from its first draw.
  @inlinable
  public func forEntity(_ entity: UInt64) -> RandomStream {
    var other = self
    other.entity = entity
    other.nextBlock = 0
    other.used = 4
    return other
  }

  /// The index of the block that the next refill takes; a block holds four words.
  @inlinable
  public var block: UInt64 { nextBlock }

  /// Goes to the start of a block of four words, in either direction.
  ///
  /// - Precondition: `block` is below 2⁴⁸.
  @inlinable
  public mutating func seek(block: UInt64) {
    precondition(block < 1 &<< 48, "A stream has 2^48 blocks.")
    nextBlock = block
    used = 4
  }

  /// The four words of one block of this stream; the stream itself does not move.
  ///
  /// - Complexity: one Philox block, about 8 ns.
  @inlinable
  public func words(ofBlock block: UInt64) -> Philox4x32.Block {
    let low = purpose | block
    return Philox4x32.block(
      counter: (
        UInt32(truncatingIfNeeded: low), UInt32(truncatingIfNeeded: low &>> 32),
        UInt32(truncatingIfNeeded: entity), UInt32(truncatingIfNeeded: entity &>> 32)
      ), key: (key0, key1))
  }

  @inlinable
  mutating func refill() {
    let words = self.words(ofBlock: nextBlock)
    nextBlock &+= 1
    first = UInt64(words.0) | UInt64(words.1) &<< 32
    second = UInt64(words.2) | UInt64(words.3) &<< 32
    used = 0
  }

  /// The next 64 random bits: the next two words that stand side by side in a block.
  @inlinable
  public mutating func next() -> UInt64 {
    if used > 2 { refill() }
    if used == 0 {
      used = 2
      return first
    }
    used = 4
    return second
  }

  /// The next 32 random bits.
  @inlinable
  public mutating func next32() -> UInt32 {
    if used == 4 { refill() }
    let pair = used < 2 ? first : second
    let word = UInt32(truncatingIfNeeded: used & 1 == 0 ? pair : pair &>> 32)
    used &+= 1
    return word
  }

  /// A number uniform on [0, 1), of 53 random bits.
  @inlinable
  public mutating func uniform() -> Double {
    Double(next() &>> 11) * 0x1p-53
  }

  /// A number uniform on (0, 1], whose logarithm is finite.
  @inlinable
  public mutating func uniformPositive() -> Double {
    Double((next() &>> 11) &+ 1) * 0x1p-53
  }

  /// An integer uniform on 0 ..< `bound`, without bias.
  ///
  /// Source: Lemire, "Fast random integer generation in an interval", arXiv 1805.10941.
  /// - Precondition: `bound` is positive.
  @inlinable
  public mutating func uniformInt(below bound: Int) -> Int {
    precondition(bound > 0, "A range to draw from holds at least one number.")
    let range = UInt64(bound)
    var product = next().multipliedFullWidth(by: range)
    if product.low < range {
      let threshold = (0 &- range) % range
      while product.low < threshold { product = next().multipliedFullWidth(by: range) }
    }
    return Int(product.high)
  }

  /// Whether an event of the given probability happens.
  @inlinable
  public mutating func bernoulli(_ probability: Double) -> Bool { uniform() < probability }

  /// An exponential draw with the given mean, in the unit of the mean.
  @inlinable
  public mutating func exponential(mean: Double) -> Double { -mean * log(uniformPositive()) }

  /// A normal draw by the cosine half of Box and Muller; always two 64-bit draws.
  @inlinable
  public mutating func normal(mean: Double = 0, standardDeviation: Double = 1) -> Double {
    let radius = (-2 * log(uniformPositive())).squareRoot()
    return mean + standardDeviation * radius * cos(2 * Double.pi * uniform())
  }

  /// A gamma draw with the given shape and scale.
  ///
  /// Source: Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26
  /// (2000), doi:10.1145/358407.358414; shapes below one by the boost U^(1/shape).
  /// - Precondition: shape and scale are positive and finite.
  @inlinable
  public mutating func gamma(shape: Double, scale: Double = 1) -> Double {
    precondition(shape > 0 && shape.isFinite, "The shape of a gamma distribution is positive.")
    precondition(scale > 0 && scale.isFinite, "The scale of a gamma distribution is positive.")
    if shape < 1 {
      let boost = pow(uniformPositive(), 1 / shape)
      return gamma(shape: shape + 1, scale: scale) * boost
    }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let root = 1 + c * x
      if root <= 0 { continue }
      let v = root * root * root
      if log(uniformPositive()) < 0.5 * x * x + d - d * v + d * log(v) { return d * v * scale }
    }
  }
}
