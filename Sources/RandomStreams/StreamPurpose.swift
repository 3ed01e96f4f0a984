// SPDX-License-Identifier: GPL-3.0-or-later

/// What a stream of random numbers is for.
///
/// The purpose is a part of the counter, so that two uses never share a draw and a new use
/// disturbs no old one. Values are permanent: reusing one would change published results.
@frozen
public struct StreamPurpose: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
  /// The 16 bits that enter the counter.
  public let rawValue: UInt16

  /// The purpose with the given number.
  @inlinable
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Times at which requests arrive; entity: the user or 0.
  public static let arrivals = StreamPurpose(rawValue: 1)
  /// Prompt and output lengths; entity: the request.
  public static let lengths = StreamPurpose(rawValue: 2)
  /// How long a user of a closed loop thinks; entity: the user.
  public static let thinkTimes = StreamPurpose(rawValue: 3)
  /// A model's popularity per layer, where a trace gives none; entity: the layer.
  public static let routingPopularity = StreamPurpose(rawValue: 4)
  /// A request's own popularity; entity: the request.
  public static let routingRequest = StreamPurpose(rawValue: 5)
  /// The experts of a decode token; entity: the request.
  public static let routingTokens = StreamPurpose(rawValue: 6)
  /// The experts of prompt tokens; entity: the request.
  public static let routingPrompt = StreamPurpose(rawValue: 7)
  /// Which recorded sequence a request replays; entity: the request.
  public static let routingPairing = StreamPurpose(rawValue: 8)
  /// Gate weights; entity: the request.
  public static let routingWeights = StreamPurpose(rawValue: 9)
  /// Mistakes of a predictor; entity: the request.
  public static let prediction = StreamPurpose(rawValue: 10)
  /// Choices of an eviction policy; entity: the pool.
  public static let eviction = StreamPurpose(rawValue: 11)
  /// Residuals of timing laws; entity: the law.
  public static let residuals = StreamPurpose(rawValue: 12)
  /// Which replica or model a request goes to; entity: the request, or a user from above.
  public static let requestRouting = StreamPurpose(rawValue: 13)
  /// Resampling in the statistics of results; entity: the quantity.
  public static let resampling = StreamPurpose(rawValue: 14)
  /// Proposals of a search over configurations; entity: the search.
  public static let search = StreamPurpose(rawValue: 15)
  /// A request's other choices (its service, its prefix); entity: the request.
  public static let requestAttributes = StreamPurpose(rawValue: 16)
  /// Which expert stands in for one that a model transform has removed; entity: the request.
  public static let routingReplacement = StreamPurpose(rawValue: 32)
  /// A request's priority; entity: the request.
  public static let priorities = StreamPurpose(rawValue: 40)
  /// Which drafted tokens are accepted; entity: the request.
  public static let speculation = StreamPurpose(rawValue: 41)
  /// When parts of a fleet fail and how long they are away; entity: the part.
  public static let failures = StreamPurpose(rawValue: 48)
  /// How long the gateway takes; entity: the request.
  public static let gatewayLatency = StreamPurpose(rawValue: 49)
  /// Whether a stored answer serves a request; entity: the request.
  public static let responseCache = StreamPurpose(rawValue: 50)
  /// Draws of tests and examples; entity: free.
  public static let testing = StreamPurpose(rawValue: 65_535)
}
