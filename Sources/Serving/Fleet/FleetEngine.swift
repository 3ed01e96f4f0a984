// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import Policies
import RandomStreams
import SimulationKernel
import Workload

/// Many replicas whose experts are all resident, behind one gateway.
///
/// The engine is the kernel's model. Requests pass the gateway, a rule chooses the replica, the replica's
/// ranks batch them, and each step of a lane is one event a pipeline stage, whose length follows from what the
/// ranks compute and exchange (``ReplicaCosts``). Memory is that of the requests under way: none is
/// kept once it has been answered.
///
///     arrival → gateway → replica → rank's queue → step: stage 0 → … → tokens
///                  ↑ waits while nobody takes it         │ prompt done, elsewhere decoded
///                  └──────── retried after a failure     └→ keys and values move → rank's queue
struct FleetEngine: ~Copyable, Model {
  typealias Event = FleetEvent

  let configuration: FleetConfiguration
  var groups: [GroupState]
  var replicas: [Replica]
  var network: OperationNetwork<FleetEvent>
  /// The fleet's links as bandwidths of the network.
  let links: TopologyResources
  /// What is left of each link's rate and each GPU's, where something has degraded.
  var linkFactors: [Double]
  var gpuFactors: [Double]

  // Requests.
  var requests: any RequestSource
  var nextArrival: Request?
  var userRequests: [Request?] = []
  /// The prefix blocks of users' next requests, which the source keeps for one alone.
  var userBlocks: [[UInt64]] = []
  let keepsBlocks: Bool
  /// Users whose next request is scheduled.
  var expectedUsers = 0
  /// Requests given up since the run began.
  var lost = 0
  /// Requests between gateway and replica, or that wait for one; a recycled arena.
  var tickets: [Ticket] = []
  var freeTickets: [Int32] = []
  /// Requests that no replica takes at present, by model.
  var unrouted: [TicketQueue]
  var rejectedInARow = 0

  // Routing.
  var router: any RequestRoutingPolicy
  let routingStream: RandomStream
  var loads: [ReplicaLoad] = []

  // Operations.
  var gateway: Gateway
  /// Requests that the gateway's limit keeps out.
  var outside = TicketQueue()
  var responseCache: ResponseCache?
  var failures: FailureSchedule
  /// The failure that is scheduled.
  var nextFailure: FailureEvent?
  /// When each group was last scaled [ns].
  var lastScaling: [UInt64?] = []
  /// Keys and values on their way from one replica to another; a recycled arena.
  var moves: [KeyValueMove] = []
  var freeMoves: [Int32] = []
  /// Moves that nobody takes at present.
  var waitingMoves = TicketQueue()
  /// Keys and values on their way between a rank's GPUs and host memory; a recycled arena.
  var swaps: [ReplicaSwap] = []
  var freeSwaps: [Int32] = []

  // What is measured.
  var latencies = RequestLatencies()
  /// Samples of the run over time; `nil` where nobody asks.
  var history: HistoryRecorder?
  var progress: RunProgress
  var counters: FleetCounters
  var gpus: [GPUCounters]
  /// Who is told what became of each request.
  var outcomes: (any RequestSink)?
  var failure: (any Error)?

  /// Goes on where an operation, an arrival or a step has ended.
  mutating func handle(_ event: FleetEvent, in simulation: inout Simulation<FleetEvent>) {
    switch event {
    case .resource(let resourceEvent):
      if let end = network.handle(resourceEvent, in: &simulation) {
        flowEnded(end, in: &simulation)
      }
    case .arrival:
      guard let request = nextArrival else { return }
      admitArrival(
        request, blocks: keepsBlocks ? Array(requests.prefixBlocks(of: request)) : [],
        in: &simulation)
      scheduleNextArrival(in: &simulation)
    case .userArrival(let user):
      guard let request = userRequests[Int(user)] else { return }
      userRequests[Int(user)] = nil
      expectedUsers -= 1
      admitArrival(
        request, blocks: keepsBlocks ? userBlocks[Int(user)] : [], in: &simulation)
    case .leavesGateway(let ticket): route(ticket, in: &simulation)
    case .answered(let ticket): answerFromCache(ticket, in: &simulation)
    case .wake(let replica, let lane):
      replicas[Int(replica)].lanes[Int(lane)].isWoken = false
      beginStep(Int(replica), lane: Int(lane), in: &simulation)
    case .stageEnded(let replica, let lane, let stage, let epoch):
      guard replicas[Int(replica)].epoch == epoch else { return }
      stageEnded(Int(replica), lane: Int(lane), stage: Int(stage), in: &simulation)
    case .fault: faultDue(in: &simulation)
    case .scaling: scale(in: &simulation)
    case .started(let replica, let epoch):
      guard replicas[Int(replica)].epoch == epoch else { return }
      replicaStarted(Int(replica), in: &simulation)
    }
  }
}
