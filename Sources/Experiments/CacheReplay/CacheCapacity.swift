// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Units

/// The size of a cache pool: a share of its experts, a number of experts, or bytes.
///
/// A pool is a layer's (`per-layer`), or the one pool of all layers (`global`).
public enum CacheCapacity: Hashable, Sendable {
  /// A share of the experts of a pool, from 0 to 1; the number is rounded down.
  case share(Double)
  /// So many experts in each pool.
  case count(Int)
  /// So many bytes in each pool.
  case bytes(Int64)

  /// Reads "12.5%", "0.125", "8" or "4000 MiB".
  public init(parsing text: String) throws(CacheReplayError) {
    let trimmed = String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    if let count = Int(trimmed) {
      guard count >= 0 else { throw .capacity(text, "a number of experts is not negative") }
      self = .count(count)
      return
    }
    do {
      let quantity = try Quantity(parsing: trimmed)
      switch quantity.dimension {
      case .fraction, .count:
        guard (0...1).contains(quantity.value) else {
          throw CacheReplayError.capacity(text, "a share is from 0 to 100 %")
        }
        self = .share(quantity.value)
      case .bytes:
        guard quantity.value >= 0 && quantity.value < 9e18 else {
          throw CacheReplayError.capacity(text, "that many bytes are not possible")
        }
        self = .bytes(Int64(quantity.value))
      default:
        throw CacheReplayError.capacity(text, "a share, a count or bytes are expected")
      }
    } catch let error as CacheReplayError {
      throw error
    } catch {
      throw .capacity(text, "\(error)")
    }
  }

  /// The pools that this capacity makes.
  ///
  /// - Throws: `CacheReplayError.capacity` where bytes are asked for and sizes are not known, or
  ///   more experts than there are.
  func plan(
    scope: PoolPlan.Scope, layers: Int, experts: Int, sizesAreKnown: Bool
  ) throws(CacheReplayError) -> PoolPlan {
    let members = scope == .perLayer ? experts : layers * experts
    switch self {
    case .share(let share):
      // The tolerance keeps 0.29 of 100 at 29, which binary fractions would make 28.999….
      let slots = Int((share * Double(members) + 1e-9).rounded(.down))
      return PoolPlan(scope: scope, unit: .slots, capacities: [Int64(slots)])
    case .count(let count):
      guard count <= members else {
        throw .capacity("\(count)", "a \(scope.rawValue) pool has only \(members) experts")
      }
      return PoolPlan(scope: scope, unit: .slots, capacities: [Int64(count)])
    case .bytes(let bytes):
      guard sizesAreKnown else {
        throw .capacity(
          "\(bytes) bytes", "the trace does not say how large an expert is; give its size")
      }
      return PoolPlan(scope: scope, unit: .bytes, capacities: [bytes])
    }
  }
}
