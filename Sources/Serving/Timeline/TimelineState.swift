// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import SimulationKernel

/// What a recording run keeps: the sink, the lanes, and which slice brought which expert.
struct TimelineState {
  var sink: any TimelineSink
  private var segments: [OperationSegment] = []
  /// The first track of each server, by the server's index; -1 where none is drawn.
  private var firstTrack: [Int]
  private var lanes: [Int]
  /// When each track was last held [ns].
  private var laneEnd: [UInt64]
  private var sliceCount = 0
  /// The slice of the last load of each (layer, expert).
  private var loadSlice: [UInt64: Int] = [:]

  init(sink: any TimelineSink, machine: SimulatedMachine) {
    self.sink = sink
    var tracks: [TimelineTrack] = []
    let servers = machine.tracks.filter {
      ($0.server != machine.driveLanes || machine.hasDriveTier)
        && ($0.server != machine.hostCompute || machine.usesHostCompute)
        && ($0.server != machine.collective || machine.usesCollectives)
    }
    firstTrack = [Int](
      repeating: -1, count: Int(servers.map(\.server.index).max() ?? 0) + 1)
    lanes = [Int](repeating: 1, count: firstTrack.count)
    for track in servers {
      firstTrack[Int(track.server.index)] = tracks.count
      lanes[Int(track.server.index)] = track.units
      for unit in 0..<track.units {
        let name = track.units > 1 ? "\(track.thread) \(unit)" : track.thread
        tracks.append(TimelineTrack(process: track.process, thread: name))
      }
    }
    laneEnd = [UInt64](repeating: 0, count: tracks.count)
    self.sink.begin(tracks: tracks)
  }

  /// Hands the segments that have ended to the sink, each on a lane of its server that was free.
  mutating func drain(_ network: inout OperationNetwork<EngineEvent>, mixtureLayer: (Int) -> Int) {
    segments.removeAll(keepingCapacity: true)
    network.drainSegments(into: &segments)
    for segment in segments {
      let server = Int(segment.server.index)
      guard server < firstTrack.count, firstTrack[server] >= 0 else { continue }
      let first = firstTrack[server]
      let start = segment.start.nanoseconds
      // The lane that was free last before the start: with it no other segment is shut out.
      var lane = first
      var best: UInt64?
      for candidate in first..<first + lanes[Int(segment.server.index)]
      where laneEnd[candidate] <= start && (best == nil || laneEnd[candidate] > best!) {
        best = laneEnd[candidate]
        lane = candidate
      }
      laneEnd[lane] = segment.end.nanoseconds
      emit(segment, lane: lane, mixtureLayer: mixtureLayer)
    }
  }

  private mutating func emit(
    _ segment: OperationSegment, lane: Int, mixtureLayer: (Int) -> Int
  ) {
    let tag = OperationTag(bits: segment.tag)
    let description = Self.describe(tag)
    var waitedFor = -1
    let key = { (layer: Int, expert: Int) in UInt64(layer) << 32 | UInt64(expert) }
    switch tag.kind {
    case .load: loadSlice[key(tag.layer, tag.expert)] = sliceCount
    case .expert:
      waitedFor = loadSlice[key(mixtureLayer(tag.layer), tag.expert)] ?? -1
    default: break
    }
    sink.slice(
      TimelineSlice(
        track: lane, name: description.name, category: description.category,
        start: segment.start.nanoseconds, end: segment.end.nanoseconds,
        layer: description.hasLayer ? tag.layer : -1,
        expert: description.hasExpert ? tag.expert : -1, waitedFor: waitedFor))
    sliceCount += 1
  }

  private static func describe(
    _ label: GraphLabel
  ) -> (name: String, category: String, hasLayer: Bool, hasExpert: Bool) {
    switch label {
    case .overhead: ("step", "overhead", false, false)
    case .embedding: ("embedding", "compute", false, false)
    case .attentionInput: ("attention input", "compute", true, false)
    case .attention, .hostAttention: ("attention", "compute", true, false)
    case .attentionOutput: ("attention output", "compute", true, false)
    case .dense: ("dense feed-forward", "compute", true, false)
    case .gate: ("gate", "compute", true, false)
    case .sharedExperts: ("shared experts", "compute", true, false)
    case .experts, .hostExperts: ("experts", "compute", true, false)
    case .head: ("head", "compute", false, false)
    case .weightStaging: ("weights", "staging", true, false)
    case .weightLoad: ("weights", "load", true, false)
    case .keyValueStaging: ("keys and values", "staging", true, false)
    case .keyValueLoad: ("keys and values", "load", true, false)
    case .keyValueStore: ("keys and values", "write-back", true, false)
    case .activationLoad: ("activations", "load", true, false)
    case .activationStore: ("activations", "write-back", true, false)
    case .dispatch: ("dispatch", "collective", true, false)
    case .combine: ("combine", "collective", true, false)
    }
  }

  private static func describe(
    _ tag: OperationTag
  ) -> (name: String, category: String, hasLayer: Bool, hasExpert: Bool) {
    switch tag.kind {
    case .attention: ("attention", "compute", true, false)
    case .dense: ("dense feed-forward", "compute", true, false)
    case .sharedExpert: ("shared experts", "compute", true, false)
    case .segmentEnd: ("combine", "compute", true, false)
    case .gate: ("gate", "compute", true, false)
    case .expert: ("expert", "compute", true, true)
    case .groupedExperts: ("experts", "compute", true, false)
    case .stepOverhead: ("step", "overhead", false, false)
    case .head: ("head", "compute", false, false)
    case .wholeStep: ("step", "compute", false, false)
    case .draft: ("draft", "compute", false, false)
    case .activationsUp: ("tokens to host", "activations", true, false)
    case .hostExpert: ("expert", "compute", true, true)
    case .activationsDown: ("tokens from host", "activations", true, false)
    case .load: ("load", "load", true, true)
    case .writeBack: ("write back", "write-back", true, true)
    case .staging: ("staging copy", "staging", true, true)
    case .driveRead: ("read", "drive", true, true)
    case .mirror: ("as gpu0", "compute", true, false)
    case .collective: ("sum", "collective", true, false)
    case .hostOutputs: ("outputs from host", "activations", true, false)
    case .keyValueSwap: ("keys and values", "swap", false, false)
    case .graph: describe(GraphLabel(rawValue: UInt8(tag.expert)) ?? .overhead)
    }
  }
}

extension ServingEngine {
  /// Records a request's life when it has ended.
  mutating func recordRequest(_ sequence: SequenceState) {
    timeline?.sink.request(
      number: sequence.request.number, arrival: sequence.request.arrivalNanoseconds,
      scheduled: sequence.scheduled, firstToken: sequence.firstToken, end: sequence.lastToken)
  }

  /// Records at a step's beginning how full the queue, the batch and the memories are.
  mutating func recordLevels(now: UInt64) {
    guard recordsTimeline else { return }
    let experts = (0..<tier.view.poolCount / deviceCount).reduce(Int64(0)) {
      $0 + tier.view.usedBytes(inPool: $1)
    }
    let mebibyte = 1_048_576.0
    let levels: [(track: String, name: String, value: Double)] = [
      ("serving", "waiting requests", Double(batch.waitingCount)),
      ("serving", "running sequences", Double(batch.running.count)),
      ("gpu0", "KV cache (MiB)", Double(batch.keyValue.used) / mebibyte),
      ("gpu0", "expert cache (MiB)", Double(memory.layers > 0 ? experts : 0) / mebibyte),
    ]
    for level in levels {
      timeline?.sink.counter(
        track: level.track, name: level.name, nanoseconds: now, value: level.value)
    }
  }

  /// Hands what has ended to the timeline's sink.
  mutating func recordTimeline(now: UInt64) {
    guard var state = timeline.take() else { return }
    state.drain(&network) { Int(mixtureIndexOfLayer[$0]) }
    timeline = state
  }
}
