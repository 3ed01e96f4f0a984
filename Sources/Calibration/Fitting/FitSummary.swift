// SPDX-License-Identifier: GPL-3.0-or-later

/// What reports show of a fit, whatever the law.
public protocol FitSummary: Sendable {
  /// The law.
  var name: String { get }
  /// The kernel: precision and implementation.
  var variant: String { get }
  /// Shape groups.
  var groups: Int { get }
  /// Parts of the cross-validation; 1 where nothing was held out.
  var folds: Int { get }
  /// Errors on points that were fitted to.
  var fitted: FitErrors { get }
  /// Errors of the law alone on held-out points.
  var lawOnHeldOut: FitErrors { get }
  /// Errors of law and grid on held-out points.
  var heldOut: FitErrors { get }
  /// Points that the device's cache served, by the law.
  var cachedPoints: Int { get }
  /// Whether the profile takes it, of several variants.
  var isChosen: Bool { get }
  /// The fitted parameters by name, seconds, bytes or shares.
  var parameters: [(name: String, value: Double)] { get }
}

extension FamilyFit: FitSummary {
  /// The law's name.
  public var name: String { key.name }
  /// The fitted parameters by name, seconds or shares.
  public var parameters: [(name: String, value: Double)] { law.parameters }
}
