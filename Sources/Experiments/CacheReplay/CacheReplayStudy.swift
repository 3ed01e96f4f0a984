// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing

/// Hit curves without timing: a recorded routing trace replayed through the engine's own residency
/// and eviction code, for each of several rules and capacities at once.
///
/// A layer's expert set is one access event (`SetAccess` says how it is judged and touched); for a
/// prompt the set is the layer's whole batch. All events are replayed, those of the chosen phase
/// are counted. The trace is streamed, twice where a rule must know it beforehand: Belady's rule
/// then keeps four bytes for each access.
public struct CacheReplayStudy: Sendable {
  /// What a study found.
  public struct Report: Hashable, Sendable {
    /// One result for each rule and capacity: by rule, then by capacity, in the order given.
    public var results: [CacheReplayResult]
    /// What the user should know about the trace.
    public var notices: [String]
  }

  /// Sees each event after one of the runs has replayed it.
  ///
  /// The members are those of the event in touch order; `run.access` says how each was found.
  public typealias Observer = (
    _ event: RoutingLayerEvent, _ members: [SetMember], _ run: borrowing CacheReplayRun
  ) -> Void

  /// What is replayed.
  public let options: CacheReplayOptions
  private let registrations: [EvictionRegistration]

  /// Creates a study.
  ///
  /// - Throws: `EvictionError.unknown` for a rule that does not exist, `CacheReplayError` where
  ///   there is nothing to do.
  public init(options: CacheReplayOptions) throws {
    guard !options.evictions.isEmpty && !options.capacities.isEmpty else {
      throw CacheReplayError.nothingToDo
    }
    self.options = options
    registrations = try options.evictions.map { try EvictionRegistry.named($0) }
  }

  /// Replays a trace from its first event to its last.
  ///
  /// - Throws: what the reader throws, and `CacheReplayError` for a capacity that does not suit
  ///   the trace.
  public func run(
    _ reader: inout some RoutingTraceReader, observer: Observer? = nil
  ) throws -> Report {
    let layout = try makeLayout(reader)
    let sizesAreKnown = reader.expertBytes != nil || options.expertBytes != nil
    let plans = try options.capacities.map {
      try $0.plan(
        scope: options.pool, layers: layout.layers, experts: layout.experts,
        sizesAreKnown: sizesAreKnown)
    }
    var source = EventSource(layout: layout, touchOrder: options.touchOrder, reader: reader)
    var future: RecordedNextUse?
    var popularity: [Double]?
    if registrations.contains(where: { $0.needsFuture || $0.usesPopularity }) {
      let known = try source.readAhead(
        &reader, keepsFuture: registrations.contains { $0.needsFuture })
      (future, popularity) = (known.future, known.popularity)
      try reader.rewind()
    }
    var runs: [CacheReplayRun] = []
    for registration in registrations {
      for plan in plans {
        let context = EvictionContext(
          layout: layout, pools: plan, popularity: popularity, future: future)
        let rule = try registration.make(context)
        runs.append(
          CacheReplayRun(
            eviction: registration.name,
            tier: ResidencyTier(layout: layout, pools: plan, eviction: rule)))
      }
    }
    try replay(&reader, from: &source, through: &runs, observer: observer)
    return Report(
      results: runs.map { $0.result(sizesAreKnown: sizesAreKnown, note: note(for: $0)) },
      notices: notices(reader, source, runs))
  }

  private func makeLayout(_ reader: some RoutingTraceReader) throws -> BlockLayout {
    let shape = reader.shape
    let sizes = options.expertBytes.map { Array(repeating: $0, count: shape.layers) }
    let bytes = sizes ?? reader.expertBytes ?? Array(repeating: 1, count: shape.layers)
    for (layer, size) in bytes.enumerated() where size <= 0 {
      throw CacheReplayError.expertBytes(layer: layer, bytes: size)
    }
    return BlockLayout(layers: shape.layers, experts: shape.experts) { layer, _, _ in
      bytes[layer]
    }
  }

  private func replay(
    _ reader: inout some RoutingTraceReader, from source: inout EventSource,
    through runs: inout [CacheReplayRun], observer: Observer?
  ) throws {
    var sequence: Int?
    while try source.next(&reader) {
      if options.reset == .request && sequence != source.event.sequence {
        if sequence != nil { for index in runs.indices { runs[index].reset() } }
        sequence = source.event.sequence
      }
      let counts =
        switch options.phase {
        case .all: true
        case .decode: source.event.phase == .decode
        case .prefill: source.event.phase == .prefill
        }
      if counts { source.countedEvents += 1 }
      for index in runs.indices {
        runs[index].apply(source.members, layer: source.event.layer, counts: counts)
        if let observer { observer(source.event, source.members, runs[index]) }
      }
    }
  }

  private func note(for run: CacheReplayRun) -> String? {
    guard run.eviction == BeladyEviction<RecordedNextUse>.name, !run.tier.layout.hasEqualSizes
    else { return nil }
    return run.tier.view.plan.unit == .bytes
      ? "experts are of unequal size: furthest next use is no bound on hits here"
      : "experts are of unequal size: a bound on hits, but not on the bytes that are loaded"
  }

  private func notices(
    _ reader: some RoutingTraceReader, _ source: EventSource, _ runs: [CacheReplayRun]
  ) -> [String] {
    var found: [String] = []
    if options.touchOrder == .weight && !reader.hasGateWeights {
      found.append(
        reader.isRanked
          ? "the trace has no gate weights: members are touched by falling rank"
          : "the trace has neither gate weights nor ranks: members are touched by expert number")
    }
    if source.countedEvents == 0 {
      found.append("the trace has no access of the phase '\(options.phase.rawValue)'")
    }
    if registrations.contains(where: \.usesPopularity) {
      found.append("popularity is that of the whole trace, which a real run does not know")
    }
    for note in runs.compactMap({ note(for: $0) }) where !found.contains("belady: \(note)") {
      found.append("belady: \(note)")
    }
    return found
  }
}
