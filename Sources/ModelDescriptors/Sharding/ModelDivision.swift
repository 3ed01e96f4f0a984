// SPDX-License-Identifier: GPL-3.0-or-later

/// How a model's weights are cut among the GPUs that compute it together.
public struct ModelDivision: Hashable, Sendable {
  /// GPUs among which heads, dense networks, shared experts, embeddings and head are cut.
  public var tensor: Int
  /// GPUs among which each routed expert is cut.
  public var expertShards: Int

  /// A division into equal parts, each number at least 1.
  public init(tensor: Int, expertShards: Int) {
    precondition(tensor >= 1 && expertShards >= 1, "A model is cut into at least one part.")
    self.tensor = tensor
    self.expertShards = expertShards
  }

  /// Everything whole.
  public static let whole = ModelDivision(tensor: 1, expertShards: 1)
}

/// A division that leaves parts of unequal size.
public struct UnevenDivision: Error, CustomStringConvertible, Sendable {
  /// What is cut, "attention heads".
  public var part: String
  /// How much there is of it.
  public var count: Int
  /// The parts that were asked for.
  public var parts: Int
  /// The numbers of parts that leave equal ones everywhere, up to 64.
  public var possible: [Int]

  /// What was found and what would be right.
  public var description: String {
    "\(count) \(part) are not divided evenly among \(parts) GPUs; expected one of "
      + possible.map(String.init).joined(separator: ", ")
  }
}

/// Something that is cut in equal parts: heads of a kind, or the width of a network.
struct DivisibleCount: Hashable {
  /// What it is, in the plural.
  var name: String
  /// How much there is.
  var count: Int
  /// Whether parts may share one where there are fewer than parts: heads of keys and values.
  var isShared = false

  /// Whether so many parts are equal.
  func allows(_ parts: Int) -> Bool {
    count % parts == 0 || (isShared && parts % max(1, count) == 0)
  }

  /// What one of so many parts has of a count that may be shared.
  static func part(of count: Int, among parts: Int) -> Int { max(1, count / parts) }
}
