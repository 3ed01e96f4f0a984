// SPDX-License-Identifier: GPL-3.0-or-later

/// In how many parts each kind of matrix of a model is cut, one part to a device.
public struct TensorShares: Hashable, Sendable, BitwiseCopyable {
  /// Heads of attention and of recurrent mixers, with their projections.
  public var attention: Int
  /// Dense feed-forward networks, shared experts, embeddings and the head.
  public var dense: Int
  /// Each routed expert.
  public var experts: Int

  /// Shares, 1 for what is not cut.
  public init(attention: Int = 1, dense: Int = 1, experts: Int = 1) {
    precondition(attention >= 1 && dense >= 1 && experts >= 1, "Nothing is cut in less than one.")
    self.attention = attention
    self.dense = dense
    self.experts = experts
  }

  /// Nothing is cut.
  public static let whole = TensorShares()
}

/// A cut that does not divide what it cuts.
public struct IndivisibleModel: Error, Hashable, Sendable, CustomStringConvertible {
  /// The model's name.
  public var model: String
  /// What is to be cut, "48 attention heads".
  public var part: String
  /// In how many parts.
  public var parts: Int
  /// The numbers of parts, up to 1024, that divide it.
  public var divisors: [Int]

  /// What does not divide, and what would.
  public var description: String {
    "\(part) of \(model) are not divided evenly by \(parts); expected one of "
      + divisors.map(String.init).joined(separator: ", ")
  }
}
