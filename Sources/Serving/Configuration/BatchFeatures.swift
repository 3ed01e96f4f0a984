// SPDX-License-Identifier: GPL-3.0-or-later

/// What continuous batching does beyond its limits.
public struct BatchFeatures: Sendable {
  /// Whether keys and values of prompts' prefixes are kept for others with the same prefix.
  public var sharesPrefixes = false

  /// Plain continuous batching.
  public init() {}
}
