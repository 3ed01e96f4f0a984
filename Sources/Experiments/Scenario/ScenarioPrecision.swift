// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// The formats in which a scenario wants tensors kept.
public struct ScenarioPrecision: Sendable {
  /// The roles of `PrecisionPlan.roles` that are given, in the order of the file.
  public var formats: [(role: String, format: NumberFormat)] = []

  /// The format of a role, unless it is to be the model's own.
  public subscript(role: String) -> NumberFormat? {
    formats.first { $0.role == role }?.format
  }
}
