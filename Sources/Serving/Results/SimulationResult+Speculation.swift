// SPDX-License-Identifier: GPL-3.0-or-later

extension SimulationResult {
  /// What speculative decoding gave.
  public struct SpeculationReport: Codable, Sendable, Equatable {
    /// Verifications: one for each sequence that decodes and each step.
    public var verifications: Int64 = 0
    /// Tokens drafted for them.
    public var draftedTokens: Int64 = 0
    /// Drafted tokens that were accepted, those behind the end of their request included.
    public var acceptedTokens: Int64 = 0
    /// Tokens of a verification on average: the accepted ones and one more; `nil` without any.
    public var meanAcceptedLength: Double?

    /// An empty record.
    public init() {}
  }
}
