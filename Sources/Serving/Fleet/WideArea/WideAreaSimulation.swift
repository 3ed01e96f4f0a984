// SPDX-License-Identifier: GPL-3.0-or-later

public import SimulationKernel
public import Workload

/// Servers that do not hold the model between them.
public struct WideAreaProblem: Error, Equatable, CustomStringConvertible, Sendable {
  /// What was found and what would be right.
  public var message: String
  /// The message.
  public var description: String { message }
}

extension WideAreaSettings {
  /// Runs a workload on the pipeline.
  ///
  /// - Parameters:
  ///   - source: The requests; each user of a closed loop, and each request of an open one, is a client
  ///     with a connection of its own.
  ///   - seed: The seed of the run.
  ///   - replication: Which replication.
  ///   - limit: When to stop at the latest.
  /// - Throws: ``WideAreaProblem`` when servers do not hold the model, `FailureSettings.Problem` when
  ///   a server is named that is not there, and what the source throws.
  public func run(
    _ source: any RequestSource, seed: UInt64 = 1, replication: UInt32 = 0,
    until limit: SimulatedTime = .distantFuture
  ) throws -> WideAreaResult {
    try WideAreaSimulation.run(
      self, source: source, seed: seed, replication: replication, until: limit)
  }
}

/// What happens in a wide-area pipeline. A session is a request under way, by its place.
enum WideAreaEvent: BitwiseCopyable {
  /// The next request of an open source, or the first of a user's.
  case arrives(user: Int32)
  /// The head of a message reaches the server that the session is sent to.
  case reaches(session: Int32)
  /// The whole message is there.
  case received(session: Int32)
  /// The server has computed its layers.
  case computed(session: Int32)
  /// The message is with the client.
  case returned(session: Int32)
  /// The client takes its next token in hand.
  case continues(session: Int32)
  /// The client notices that its server is gone.
  case notices(session: Int32)
  /// What the schedule of failures says next.
  case fails
}

/// Simulates clients who send their tokens along chains of servers.
///
/// Servers compute one message after the other, in the order in which they came; connections carry
/// one after the other each way. Everything is a value, and events hold no more than a number.
struct WideAreaSimulation: Model, ~Copyable {
  /// A session's way through one server.
  struct Hop {
    var segment: WideAreaSegment
    /// How often the server had failed when the session came to it; it has forgotten the session if
    /// it has failed since.
    var failures: Int
  }

  /// A request under way.
  struct Session {
    var request: Request
    var chain: [Hop] = []
    /// The hop under way.
    var hop = 0
    /// Hops up to which all tokens so far are computed again.
    var replayEnd = 0
    /// Tokens that have passed the whole chain.
    var position = 0
    /// Tokens that are passing it.
    var current = 0
    var produced: Int32 = 0
    var firstToken: UInt64 = 0
    /// What the message under way needs to be whole once its head is there.
    var messageTime = SimulatedDuration.zero
    var pending = EventHandle.none
    /// The server that has the message, -1 where none does.
    var atServer: Int32 = -1
    /// When a server was found gone whose replacement the session waits for.
    var lostAt: SimulatedTime?
    /// Since when no server holds a layer that it needs.
    var strandedAt: SimulatedTime?
    var isActive = false
  }

  let settings: WideAreaSettings
  var source: any RequestSource
  var failures: FailureSchedule
  var nextFailure: FailureEvent?
  var sessions: [Session] = []
  var freeSessions: [Int32] = []
  var activeSessions = 0
  /// Requests of users who think, and the next of an open source.
  var expected = 0
  var waitingRequests: [Request?]
  /// What is left of each server, and how often it has failed.
  var factors: [Double]
  var failureCounts: [Int]
  var computesUntil: [SimulatedTime]
  var sendsUntil: [SimulatedTime]
  var receivesUntil: [SimulatedTime]
  var busySeconds: [Double]
  var books = Books()
  var error: (any Error)?

  /// What is counted.
  struct Books {
    var arrived = 0
    var completed = 0
    var outputTokens = 0
    var steps = 0
    var stepSeconds = 0.0
    var failovers = 0
    var replayedTokens = 0
    var strandedSeconds = 0.0
    var timeToFirstToken = LatencyRecorder()
    var timePerOutputToken = LatencyRecorder()
    var endToEnd = LatencyRecorder()
    var failover = LatencyRecorder()
  }

  private init(
    _ settings: WideAreaSettings, source: any RequestSource, seed: UInt64, replication: UInt32
  ) throws {
    self.settings = settings
    self.source = source
    let count = settings.servers.count
    failures = try FailureSchedule(
      settings.failures, population: .init(servers: count), seed: seed, replication: replication)
    waitingRequests = Array(repeating: nil, count: max(1, source.userCount))
    factors = Array(repeating: 1, count: count)
    failureCounts = Array(repeating: 0, count: count)
    computesUntil = Array(repeating: .zero, count: count)
    sendsUntil = computesUntil
    receivesUntil = computesUntil
    busySeconds = Array(repeating: 0, count: count)
  }

  /// Runs a workload, as ``WideAreaSettings/run(_:seed:replication:until:)`` says.
  static func run(
    _ settings: WideAreaSettings, source: any RequestSource, seed: UInt64 = 1,
    replication: UInt32 = 0, until limit: SimulatedTime = .distantFuture
  ) throws -> WideAreaResult {
    if let problem = settings.problem { throw WideAreaProblem(message: problem) }
    var model = try WideAreaSimulation(
      settings, source: source, seed: seed, replication: replication)
    var simulation = Simulation<WideAreaEvent>()
    model.begin(in: &simulation)
    simulation.run(&model, until: limit)
    if let error = model.error { throw error }
    return model.result(at: simulation.now)
  }

  private mutating func begin(in simulation: inout Simulation<WideAreaEvent>) {
    scheduleFailure(in: &simulation)
    if source.isClosedLoop {
      for user in 0..<source.userCount { expect(user: user, after: 0, in: &simulation) }
    } else {
      expect(user: 0, after: 0, in: &simulation)
    }
    stopIfDone(&simulation)
  }

  mutating func handle(_ event: WideAreaEvent, in simulation: inout Simulation<WideAreaEvent>) {
    switch event {
    case .arrives(let user): arrive(user: Int(user), in: &simulation)
    case .reaches(let session): reach(Int(session), in: &simulation)
    case .received(let session): compute(Int(session), in: &simulation)
    case .computed(let session): passOn(Int(session), in: &simulation)
    case .returned(let session): takeBack(Int(session), in: &simulation)
    case .continues(let session): beginStep(Int(session), in: &simulation)
    case .notices(let session): replace(Int(session), in: &simulation)
    case .fails: fail(in: &simulation)
    }
    stopIfDone(&simulation)
  }

  /// Ends a run whose failures would go on without anybody to meet them.
  private mutating func stopIfDone(_ simulation: inout Simulation<WideAreaEvent>) {
    if error != nil || (activeSessions == 0 && expected == 0) { simulation.stop() }
  }
}
