// SPDX-License-Identifier: GPL-3.0-or-later

/// A law of an operation that is no single kernel of a layer: a collective, a whole attention module.
public protocol OperationLaw: Hashable, Sendable {
  /// What the operation is called on.
  associatedtype Shape: Hashable, Sendable

  /// Seconds by the law alone.
  ///
  /// - Parameter cached: whether operands that fit in the device's cache are read from it, as in a
  ///   benchmark that repeats itself.
  func seconds(_ shape: Shape, on device: DeviceCapability, cached: Bool) -> Double

  /// A feature of a shape, for the grid; at least 1, and 1 where it has none.
  static func value(of feature: KernelGrid.Feature, in shape: Shape) -> Double

  /// What the law leaves over, by shape; `nil` where nothing was measured.
  var grid: KernelGrid? { get set }
  /// How far the law and its grid are from shapes that they were not fitted to.
  var residuals: TimingLaws.Residuals? { get set }
}

extension OperationLaw {
  /// Seconds by law and grid.
  public func predicted(
    _ shape: Shape, on device: DeviceCapability, cached: Bool = false
  ) -> Double {
    seconds(shape, on: device, cached: cached)
      * (grid?.factor { Self.value(of: $0, in: shape) } ?? 1)
  }
}
