// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// A profile or descriptor that a scenario names, or carries in itself.
public struct ScenarioReference: Sendable {
  /// The name or path as it was written; `nil` when the scenario carries the whole itself.
  public var text: String?
  /// The file that the name means; `nil` when the scenario carries the whole itself.
  public var path: String?
  /// The mapping that stands in the scenario: the whole, one with a `base` that its other keys are
  /// laid over (hardware and runtime), or a named model's with overrides laid over it; `nil` when the
  /// file is to be read as it is.
  public var inline: ConfigurationNode?
  /// Where the reference stands.
  public var location: SourceLocation

  /// How reports call it.
  public var label: String { text ?? inline?["name"]?.scalar ?? "inline" }

  /// The mapping that stands in the scenario, or else the whole of the named file.
  ///
  /// - Throws: As `ConfigurationNode.load(path:limits:)`.
  public func load() throws -> ConfigurationNode {
    if let inline { return inline }
    guard let path else { throw MissingFile(path: text ?? "") }
    return try ConfigurationNode.load(path: path)
  }
}
