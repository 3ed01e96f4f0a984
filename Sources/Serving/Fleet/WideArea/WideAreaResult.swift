// SPDX-License-Identifier: GPL-3.0-or-later

/// What came of a pipeline over a wide-area network. `arrived = completed + unfinished`.
public struct WideAreaResult: Codable, Sendable {
  /// Requests that came.
  public var arrived: Int
  /// Requests that got all of their tokens.
  public var completed: Int
  /// Requests that were under way, or had no chain of servers, when the run ended.
  public var unfinished: Int
  /// Tokens that clients got.
  public var outputTokens: Int
  /// The end of the run [s].
  public var durationSeconds: Double
  /// Tokens per second of all clients together.
  public var tokensPerSecond: Double
  /// Tokens after the first per second of a request's own time, mean over the time of all complete
  /// requests: what Petals calls steps per second. 0 where no request has a second token.
  public var stepsPerSecond: Double
  /// Time to the first token [ms].
  public var timeToFirstToken: SimulationResult.Distribution?
  /// Mean time per further token of a request [ms].
  public var timePerOutputToken: SimulationResult.Distribution?
  /// From arrival to the last token [ms].
  public var endToEnd: SimulationResult.Distribution?
  /// Times that a client replaced a server, as often as it had to.
  public var failovers: Int
  /// Tokens that were sent again to replacements.
  public var replayedTokens: Int
  /// From when a client reached the server that had left to when the token it waited for had passed the
  /// replacement [ms].
  public var failover: SimulationResult.Distribution?
  /// Time that requests waited because no server held some layer [s].
  public var strandedSeconds: Double
  /// The share of the run that each server computed, those who waited for work included.
  public var utilisation: [Double]
  /// What a reader should know.
  public var notices: [String]
}
