// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// Which drafted tokens are accepted: a function of request and position, so that every policy meets
/// the same draws.
struct AcceptanceModel {
  /// Tokens drafted for each verification.
  let draftTokens: Int
  private let acceptance: Double
  private let stream: RandomStream
  /// Verifications, and drafted tokens accepted in them, since the counts were reset.
  private(set) var verifications: Int64 = 0
  private(set) var acceptedTokens: Int64 = 0

  init(_ decoding: SpeculativeDecoding, seed: UInt64, replication: UInt32) {
    draftTokens = decoding.draftTokens
    acceptance = decoding.acceptance
    stream = RandomStream(
      seed: seed, replication: replication, purpose: .speculation, entity: 0)
  }

  /// The drafted tokens of one verification that are accepted, and counts them.
  ///
  /// - Parameters:
  ///   - request: The request's number.
  ///   - output: Output tokens that the request has; the first drafted one stands behind them.
  /// - Complexity: O(accepted).
  mutating func verify(request: UInt64, output: Int) -> Int {
    let own = stream.forEntity(request)
    var accepted = 0
    while accepted < draftTokens, isAccepted(own, position: output + accepted) { accepted += 1 }
    verifications += 1
    acceptedTokens += Int64(accepted)
    return accepted
  }

  @inline(__always)
  private func isAccepted(_ stream: RandomStream, position: Int) -> Bool {
    let words = stream.words(ofBlock: UInt64(position))
    let bits = UInt64(words.0) | UInt64(words.1) << 32
    return Double(bits >> 11) * 0x1p-53 < acceptance
  }

  /// Forgets what was counted.
  mutating func resetCounts() {
    verifications = 0
    acceptedTokens = 0
  }
}
