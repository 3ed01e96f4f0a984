// SPDX-License-Identifier: GPL-3.0-or-later

/// The router of a layer on a processor: scores of each token over the experts, and the best of them
/// with weights that sum to 1.
public final class ExpertGate {
  /// Experts.
  public let experts: Int
  /// Experts that a token uses.
  public let topK: Int
  /// The size of a token's vector.
  public let hidden: Int
  /// Choices of the last run, `topK` for each token in turn.
  public private(set) var choices: [(expert: Int, weight: Float)] = []

  private let library: ComputeLibrary
  private let scores: LockableMemory
  private var products: [MatrixProduct?]

  /// Prepares a gate; its library is that of 32-bit values.
  public init(
    _ library: ComputeLibrary, hidden: Int, experts: Int, topK: Int, maximumTokens: Int
  ) throws {
    precondition(library.precision == .float32, "Gates are computed in 32 bits.")
    precondition((1...experts).contains(topK), "A token uses experts that there are.")
    self.library = library
    self.hidden = hidden
    self.experts = experts
    self.topK = topK
    scores = try LockableMemory(bytes: 4 * maximumTokens * experts)
    products = Array(repeating: nil, count: maximumTokens + 1)
  }

  /// Chooses for a batch.
  ///
  /// - Parameters:
  ///   - weights: `experts` rows of `hidden` 32-bit values.
  ///   - vectors: `tokens` rows of `hidden` values.
  public func run(
    weights: UnsafeRawPointer, tokens: Int, vectors: UnsafePointer<Float>
  ) throws {
    let product =
      try products[tokens]
      ?? MatrixProduct(library, rows: tokens, columns: experts, depth: hidden)
    products[tokens] = product
    try product.run(input: vectors, weights: weights, output: scores.base)
    choices.removeAll(keepingCapacity: true)
    for token in 0..<tokens {
      let row = UnsafeBufferPointer(
        start: scores.values(of: Float.self) + token * experts, count: experts)
      choices += ElementLoops.choose(topK, of: row)
    }
  }
}
