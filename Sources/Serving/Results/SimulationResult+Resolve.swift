// SPDX-License-Identifier: GPL-3.0-or-later

extension SimulationResult {
  /// What became of activated experts, where a policy decides that.
  public struct ResolveReport: Codable, Sendable, Equatable {
    /// Experts computed on the device in the scenario's own format.
    public var fullPrecision: UInt64 = 0
    /// Experts computed on the device in a less precise version.
    public var lowPrecision: UInt64 = 0
    /// Experts computed where they are stored, by the processor or a near-data device.
    public var computedOnHost: UInt64 = 0
    /// Experts of a layer that were left out for the whole step.
    public var skipped: UInt64 = 0
    /// Choices of single tokens that were left out.
    public var skippedChoices: UInt64 = 0

    /// Nothing has been decided yet.
    public init() {}
  }
}
