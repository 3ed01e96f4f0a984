// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Policies
import Residency
import Routing
import SimulationKernel
import Workload

/// One replica that serves requests: batches, KV cache, layers, experts and their transfers.
///
/// The engine is the kernel's model. A step of the batch walks through the model's layers; at each
/// gate it draws the activated experts, asks the residency of each, starts the transfers of those
/// that are missing, and emits the experts' computation in the order that the schedule says. When
/// every expert is resident and nothing is recorded, a whole step is one operation of the same
/// length.
///
///     arrival → queue → step: overhead → [attention → gate → experts …] × layers → head → tokens
///                                              │ misses
///                                              └→ drive → host → staging → link → resident
struct ServingEngine: ~Copyable, Model {
  typealias Event = EngineEvent

  // What is simulated.
  let configuration: ServingConfiguration
  let memory: MemoryPlan
  let machine: SimulatedMachine
  var network: OperationNetwork<EngineEvent>
  /// The operations that are submitted most, of which only work, tag and priority change.
  var computeOperation: OperationDescription
  var copyOperation: OperationDescription
  /// Copies to each device, where there are several.
  let copyTemplates: [OperationDescription]
  var costs: StepCosts
  /// What drafting takes, where a model drafts.
  var draftCosts: DraftCosts?
  /// The time computed in the step under way [ns], and whether tokens are drafted at its end.
  var computedInStep: UInt64 = 0
  var isDrafting = false
  /// The index of each layer among the MoE layers, -1 for others; an encoder's layers come first.
  let mixtureIndexOfLayer: [Int32]
  /// The MoE layers of the encoder; `nil` when there is none.
  let encoderMixtureLayers: Int?

  // Experts.
  var tier: ResidencyTier
  var host: ResidencyTier?
  var routing: any RoutingSource
  var activation: LayerActivation
  var touchList: [Int32] = []
  var touchKeys: [UInt64] = []
  var members: [SetMember] = []
  var access = SetAccess()
  /// A set of one member, where members are asked for one by one; the next, and the place in the
  /// layer's set of the first.
  var single = [SetMember(block: BlockID(0), weight: 0)]
  var nextMember = 0
  var firstPlace = 0
  /// Members of the set under way that are used from a staging buffer.
  var transientPlaces: [Int32] = []
  var prefetchRequests = PrefetchRequests()
  /// What is fetched ahead: what waits, what is under way, what is expected.
  var ahead = AheadState(layers: 0, blocks: 0)
  /// Prefetches under way to each device, and how many may be; copies of theirs on its link.
  var aheadTransfers: [Int]
  let aheadWindow: Int
  var aheadCopies: [Int]
  /// Experts fetched ahead into staging buffers; `nil` where they land in the cache.
  var bufferedCopies: BufferedCopies?
  /// Staging buffers that are left to what is demanded.
  let spareBuffers: Int
  var evictedBlocks: [BlockID] = []
  /// Evicted blocks whose write-back follows the loads that took their room, on one stream.
  var waitingWriteBacks: [BlockID] = []
  var isPrefetched: [Bool]
  /// What rules that need the future know of it; `nil` when none does.
  let lookAhead: LookAhead?

  // Roles.
  var prediction: any PredictionPolicy
  /// Layers ahead that are predicted at each gate; 0 when no predictor is active.
  let predictionDepth: Int
  let predictionObserves: Bool
  /// Buffers of a prediction; empty when none is made.
  var predictionBuffers: PredictionBuffers?
  var tendencyBuffer: [Float] = []
  var prefetch: any PrefetchPolicy
  let schedule: any SchedulePolicy
  let accessesOneByOne: Bool
  var resolve: any ResolvePolicy
  let resolveIsPlain: Bool
  /// Buffers of resolving: the set, what becomes of it, the score of each expert.
  var activated = ActivatedSet()
  var choices: [ExpertChoice] = []
  var scores: [Float]
  /// Whether the choices of each token are looked at by themselves, and the buffers for that.
  let looksAtTokens: Bool
  var token: LayerActivation
  var ranked: [Int32] = []
  var rankedWeights: [Float] = []
  /// The device beside the experts, where it computes some of them.
  var hostCompute: HostCompute?
  let admission: any AdmissionPolicy
  /// A copy of the routing that tells which expert a request leans to, where admission asks.
  var expertKeys: (any RoutingSource)?
  let prefetchIsActive: Bool

  // Requests.
  var requests: any RequestSource
  var nextArrival: Request?
  var userRequests: [Request?] = []
  /// The prefix blocks of each user's next request, where they are shared.
  var userPrefixBlocks: [[UInt64]] = []
  /// Requests that were refused since one was last accepted.
  var rejectedInARow = 0
  var batch: BatchScheduler
  /// Slots of requests that arrived since the scheduler last looked.
  var unnoticed: [Int32] = []

  // The step under way.
  var stepIsActive = false
  /// Steps begun, and the last MoE layer of the step whose gate has decided; -1 before the first.
  var stepNumber: UInt64 = 0
  var gatesPassed = -1
  var stepPlanned: UInt64 = 0
  var stepBegan: UInt64 = 0
  /// Whether the step is planned, but waits for the room that its KV blocks take from experts.
  var stepAwaitsRoom = false
  var lastStepEnd: UInt64 = 0
  /// Keys and values on their way between device and host, and since when nothing but them is waited
  /// for.
  var swapsUnderWay = SwapTable()
  var swapWaitBegan: UInt64?
  /// Bytes of a KV block in all layers.
  let keyValueBlockBytes: Int64
  var layerSet: LayerSet
  var transfers: TransferTable
  /// Of each device, transfers that wait for a staging buffer, heaviest expert first, and buffers that
  /// are free.
  var waitingForBuffer: [[Int32]]
  var freeBuffers: [Int]
  /// Whether the one worker of a device's serial transfers is at work, and what waits for it.
  var workerIsBusy: [Bool]
  var waitingForWorker: [[Int32]]
  /// Transfers whose room is still in use by an expert of the set under way.
  var heldBack: [Int32] = []
  var computeOutstanding = 0
  var stallBegan: UInt64?
  let stepsAreWhole: Bool
  /// The devices that are simulated, and the one that has each expert; none where there is one.
  let deviceCount: Int
  let deviceOfExpert: [Int32]
  /// What several devices that share a layer need; `nil` with one.
  var group: DeviceLockstep?
  /// What a schedule over whole steps needs; `nil` with any other.
  var graphState: GraphState?

  // What is measured.
  var counters: EngineCounters
  /// What passes must read and compute; `nil` for an encoder–decoder.
  let passCosts: PassCosts?
  /// The experts of the pass under way, and who is told of each pass.
  var pass = PassState()
  var passes: (any PassSink)?
  var latencies = RequestLatencies()
  /// Samples of the run over time; `nil` where nobody asks.
  var history: HistoryRecorder?
  var progress: RunProgress
  let recordsTimeline: Bool
  var timeline: TimelineState?
  let recordsDecisions: Bool
  var decisions: DecisionState?
  /// Who is told what became of requests; `nil` where nobody asks.
  var outcomes: (any RequestSink)?
  var failure: (any Error)?
}
