// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// What is served in place of the published model: fewer experts, fewer choices, smaller experts.
///
/// Applied once, before anything is timed or placed; the engine knows the changed model alone.
public protocol ModelTransform: Sendable {
  /// The changed model.
  ///
  /// - Throws: `RoleProblem` when it cannot be applied to this model.
  func transformed(_ model: ModelDescriptor) throws(RoleProblem) -> ModelDescriptor

  /// What becomes of the routing of `model`; `nil` when gates choose as before.
  func reduction(of model: ModelDescriptor) -> RoutingReduction.Plan?
}

extension ModelTransform {
  /// Gates choose as before.
  public func reduction(of model: ModelDescriptor) -> RoutingReduction.Plan? { nil }
}

/// Leaves the model as it is.
public struct NoTransform: ModelTransform {
  /// The plain model.
  public init() {}
  /// The model itself.
  public func transformed(_ model: ModelDescriptor) -> ModelDescriptor { model }
}

extension ModelDescriptor {
  /// The model with each of its mixtures changed.
  ///
  /// - Throws: `RoleProblem` when there is none, or when `change` throws.
  func changingMixtures(
    _ parameter: String,
    _ change: (inout MixtureDescriptor, LayerDescriptor) throws(RoleProblem) -> Void
  ) throws(RoleProblem) -> ModelDescriptor {
    guard !isDense else {
      throw RoleProblem(parameter: parameter, message: "\(name) has no experts to change")
    }
    var model = self
    for index in model.encoder.indices { try model.encoder[index].changeMixture(change) }
    for index in model.layers.indices { try model.layers[index].changeMixture(change) }
    return model
  }
}

extension LayerDescriptor {
  fileprivate mutating func changeMixture(
    _ change: (inout MixtureDescriptor, LayerDescriptor) throws(RoleProblem) -> Void
  ) throws(RoleProblem) {
    guard var mixture else { return }
    try change(&mixture, self)
    feedForward = .mixture(mixture)
  }
}
