// SPDX-License-Identifier: GPL-3.0-or-later

/// What one layer's gate chose for all tokens of one forward pass.
///
/// A buffer to be reused: its arrays are sized once for the number of experts, and filling,
/// reading and resetting it allocates nothing. Resetting costs only what was filled.
@frozen
public struct LayerActivation: Sendable {
  /// The tokens whose choices are in it. Sources count them; `add` does not.
  public var tokens: Int
  @usableFromInline var counts: [Int32]
  @usableFromInline var weights: [Float]
  @usableFromInline var occurrences: [Int32]
  @usableFromInline var members: [Int32]
  @usableFromInline var recorded: Int32

  /// An empty activation of a layer with the given number of experts.
  @inlinable
  public init(experts: Int) {
    precondition(experts > 0, "A layer has at least one expert.")
    tokens = 0
    counts = [Int32](repeating: 0, count: experts)
    weights = [Float](repeating: 0, count: experts)
    occurrences = [Int32](repeating: 0, count: experts)
    members = []
    members.reserveCapacity(experts)
    recorded = 0
  }

  /// The number of experts in the layer.
  @inlinable
  public var experts: Int { counts.count }

  /// How many tokens chose each expert; indexed by expert.
  @inlinable
  public var tokensPerExpert: [Int32] { counts }

  /// The gate weight that each expert received, summed over tokens; indexed by expert.
  @inlinable
  public var weightPerExpert: [Float] { weights }

  /// The experts that at least one token chose, in order of first record.
  @inlinable
  public var distinct: [Int32] { members }

  /// Whether no expert was chosen.
  @inlinable
  public var isEmpty: Bool { members.isEmpty }

  /// Empties the buffer.
  ///
  /// - Complexity: O(distinct experts).
  @inlinable
  public mutating func reset() {
    for member in members {
      counts[Int(member)] = 0
      weights[Int(member)] = 0
    }
    members.removeAll(keepingCapacity: true)
    tokens = 0
    recorded = 0
  }

  /// Records one token's choice of an expert with its gate weight.
  ///
  /// - Complexity: O(1).
  @inlinable
  public mutating func add(expert: Int32, weight: Float) {
    add(expert: expert, weight: weight, tokens: 1)
  }

  /// Records the choice of an expert by several tokens, with the sum of their gate weights.
  ///
  /// - Complexity: O(1).
  @inlinable
  public mutating func add(expert: Int32, weight: Float, tokens count: Int32) {
    let index = Int(expert)
    let before = counts[index]
    if before == 0 { members.append(expert) }
    counts[index] = before &+ count
    weights[index] += weight
    occurrences[index] = recorded
    recorded &+= 1
  }

  /// Adds all that another activation of the same layer holds, in its order of first record.
  ///
  /// - Complexity: O(distinct experts of the other).
  @inlinable
  public mutating func add(_ other: borrowing LayerActivation) {
    for member in other.members {
      let index = Int(member)
      add(expert: member, weight: other.weights[index], tokens: other.counts[index])
    }
    tokens += other.tokens
  }

  /// Lists the distinct experts in the order in which they are to be touched.
  ///
  /// - Parameter list: receives the experts; allocates only if its capacity is short.
  /// - Complexity: O(d log d) comparisons for d distinct experts; insertion up to 16.
  @inlinable
  public func touchOrder(_ order: TouchOrder, into list: inout [Int32]) {
    list.removeAll(keepingCapacity: true)
    list.append(contentsOf: members)
    switch order {
    case .recorded:
      sort(&list) { occurrences[Int($0)] < occurrences[Int($1)] }
    case .weight:
      sort(&list) { first, second in
        let left = weights[Int(first)]
        let right = weights[Int(second)]
        return left == right ? first < second : left < right
      }
    }
  }

  /// Lists the distinct experts by ascending gate weight, as `touchOrder(.weight, into:)` does.
  ///
  /// Weight and number are packed into one integer, which sorts many experts several times faster
  /// than a comparison of two weights; weights are not negative, so that their bits are ordered.
  ///
  /// - Parameters:
  ///   - list: receives the experts.
  ///   - keys: a buffer that is used again.
  /// - Complexity: O(d log d) integer comparisons for d distinct experts.
  @inlinable
  public func touchOrderByWeight(into list: inout [Int32], keys: inout [UInt64]) {
    if members.count <= 16 { return touchOrder(.weight, into: &list) }
    keys.removeAll(keepingCapacity: true)
    for member in members {
      keys.append(UInt64(weights[Int(member)].bitPattern) << 32 | UInt64(UInt32(member)))
    }
    keys.sort()
    list.removeAll(keepingCapacity: true)
    for key in keys { list.append(Int32(truncatingIfNeeded: key)) }
  }

  @inlinable
  @inline(__always)
  func sort(_ list: inout [Int32], by precedes: (Int32, Int32) -> Bool) {
    if list.count > 16 {
      list.sort(by: precedes)
      return
    }
    var index = 1
    while index < list.count {
      let moving = list[index]
      var hole = index
      while hole > 0 && precedes(moving, list[hole - 1]) {
        list[hole] = list[hole - 1]
        hole -= 1
      }
      list[hole] = moving
      index += 1
    }
  }
}
