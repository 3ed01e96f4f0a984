// SPDX-License-Identifier: GPL-3.0-or-later

/// What starts where: how the room for experts is divided among the layers.
public protocol PlacementPolicy: Sendable {
  /// The experts of each MoE layer that the fastest memory holds, given what it holds of each when
  /// it is divided evenly; `nil` to leave the division even.
  ///
  /// - Parameters:
  ///   - layers: MoE layers.
  ///   - experts: Experts of each.
  func slots(layers: Int, experts: Int) -> [Int]?
}

/// Divides the room evenly.
public struct UniformPlacement: PlacementPolicy {
  /// The even division.
  public init() {}
  /// Leaves the division even.
  public func slots(layers: Int, experts: Int) -> [Int]? { nil }
}
