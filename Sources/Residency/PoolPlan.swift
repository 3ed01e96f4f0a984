// SPDX-License-Identifier: GPL-3.0-or-later

/// How a tier's room is divided into pools, and how large each is.
///
/// A block can only take room from the pool that it belongs to. Pools are numbered
/// `class · layers + layer` (per layer) or `class` (global), where the class is the block's version
/// when versions have pools of their own, and 0 otherwise.
public struct PoolPlan: Hashable, Sendable {
  /// Whether a layer has a pool of its own.
  public enum Scope: String, Hashable, Sendable, CaseIterable, Codable {
    /// Each layer has its own pool.
    case perLayer = "per-layer"
    /// All layers share one pool.
    case global
  }

  /// What a pool's capacity counts.
  public enum Unit: Hashable, Sendable {
    /// Blocks, whatever their size.
    case slots
    /// Bytes.
    case bytes
  }

  /// Whether a layer has a pool of its own.
  public var scope: Scope
  /// What capacities count.
  public var unit: Unit
  /// The capacity of each pool, one figure for each class, in `unit`; with pools per layer, each
  /// layer's pool has that capacity.
  public var capacities: [Int64]
  /// The capacity of each layer's pool of the first class, where layers differ; with pools per layer.
  public var layerCapacities: [Int64]?
  /// Devices of which each has all of these pools for itself; pools of a later device follow those of
  /// an earlier one.
  public var devices = 1
  /// The device of each expert; empty where there is one.
  public var deviceOfExpert: [Int32] = []

  /// Creates a plan with one class of pools, or with one for each version of an expert.
  ///
  /// - Parameters:
  ///   - scope: whether a layer has a pool of its own.
  ///   - unit: what capacities count.
  ///   - capacities: one capacity for all blocks, or one for each version (high precision, low
  ///     precision), each that of a single pool and not negative.
  public init(scope: Scope, unit: Unit, capacities: [Int64]) {
    precondition(!capacities.isEmpty, "A plan has at least one pool.")
    precondition(capacities.allSatisfy { $0 >= 0 }, "A pool's capacity is not negative.")
    self.scope = scope
    self.unit = unit
    self.capacities = capacities
  }

  /// One pool of so many blocks for all layers.
  public static func global(slots: Int) -> PoolPlan {
    PoolPlan(scope: .global, unit: .slots, capacities: [Int64(slots)])
  }

  /// One pool of so many bytes for all layers.
  public static func global(bytes: Int64) -> PoolPlan {
    PoolPlan(scope: .global, unit: .bytes, capacities: [bytes])
  }

  /// A pool of so many blocks for each layer.
  public static func perLayer(slots: Int) -> PoolPlan {
    PoolPlan(scope: .perLayer, unit: .slots, capacities: [Int64(slots)])
  }

  /// A pool of so many bytes for each layer.
  public static func perLayer(bytes: Int64) -> PoolPlan {
    PoolPlan(scope: .perLayer, unit: .bytes, capacities: [bytes])
  }

  /// The number of pools that this plan makes for a layout.
  public func poolCount(for layout: BlockLayout) -> Int { devices * poolsPerDevice(for: layout) }

  /// The number of pools of one device.
  public func poolsPerDevice(for layout: BlockLayout) -> Int {
    capacities.count * (scope == .perLayer ? layout.layers : 1)
  }

  /// The pool of a layer's blocks of one version, on the device that has the expert.
  ///
  /// - Parameter expert: The expert; -1 for a block that is none, which the first device has.
  public func pool(layer: Int, expert: Int = -1, version: Int, in layout: BlockLayout) -> Int {
    let poolClass = capacities.count == 1 ? 0 : min(version, capacities.count - 1)
    let pool = scope == .perLayer ? poolClass * layout.layers + layer : poolClass
    guard devices > 1, expert >= 0 else { return pool }
    return Int(deviceOfExpert[expert]) * poolsPerDevice(for: layout) + pool
  }

  /// The capacity, in `unit`, that a pool starts with.
  public func capacity(ofPool number: Int, in layout: BlockLayout) -> Int64 {
    let pool = devices > 1 ? number % poolsPerDevice(for: layout) : number
    if let layerCapacities, scope == .perLayer, pool < layerCapacities.count {
      return layerCapacities[pool]
    }
    return capacities[scope == .perLayer ? pool / layout.layers : pool]
  }
}
