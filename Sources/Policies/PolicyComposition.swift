// SPDX-License-Identifier: GPL-3.0-or-later

/// A policy: one choice for each role.
///
/// Roles compose freely; a preset file names a composition.
public struct PolicyComposition: Sendable {
  /// The composition's name: a preset's, or its roles'.
  public var name: String
  /// Whom to drop from the fastest tier.
  public var eviction: EvictionRegistration
  /// The parameters of that rule.
  public var evictionSettings = RoleSettings()
  /// Whom to drop from host memory, when it cannot hold every expert.
  public var hostEviction: EvictionRegistration
  /// The parameters of that rule.
  public var hostEvictionSettings = RoleSettings()
  /// Which experts of later layers are likely.
  public var prediction: any PredictionPolicy
  /// What to fetch ahead of its use.
  public var prefetch: any PrefetchPolicy
  /// In which order a layer's experts are computed.
  public var schedule: any SchedulePolicy
  /// In which version, where, and whether an activated expert is computed.
  public var resolve: any ResolvePolicy
  /// What starts where.
  public var placement: any PlacementPolicy
  /// Who joins the batch.
  public var admission: any AdmissionPolicy
  /// How experts move.
  public var transfer: TransferOptions

  /// A composition of roles.
  public init(
    name: String, eviction: EvictionRegistration, hostEviction: EvictionRegistration,
    prediction: any PredictionPolicy = NoPrediction(),
    prefetch: any PrefetchPolicy = NoPrefetch(),
    schedule: any SchedulePolicy = ComputeAsReady(),
    resolve: any ResolvePolicy = FetchResolve(),
    placement: any PlacementPolicy = UniformPlacement(),
    admission: any AdmissionPolicy = FirstComeFirstServed(),
    transfer: TransferOptions = TransferOptions()
  ) {
    self.name = name
    self.eviction = eviction
    self.hostEviction = hostEviction
    self.prediction = prediction
    self.prefetch = prefetch
    self.schedule = schedule
    self.resolve = resolve
    self.placement = placement
    self.admission = admission
    self.transfer = transfer
  }
}

/// How experts move between tiers.
public struct TransferOptions: Sendable {
  /// Chunks into which an expert's transfer is cut; a more urgent transfer overtakes at their
  /// boundaries. At least 1.
  public var chunks: Int
  /// Whether host memory is pinned, so that a copy engine reads it directly; else each transfer
  /// passes through a staging copy by the processor.
  public var pinned: Bool
  /// Whether an evicted expert is written back to host memory (a swap), because the host keeps no
  /// copy of what is in the fastest tier.
  public var writeBack: Bool
  /// Whether one worker carries one expert after the other, from where it is to where it is wanted:
  /// what one thread with one buffer of host memory does (Pre-gated MoE's artifact).
  public var serial: Bool

  /// Options of transfer.
  public init(
    chunks: Int = 1, pinned: Bool = true, writeBack: Bool = false, serial: Bool = false
  ) {
    self.serial = serial
    self.chunks = chunks
    self.pinned = pinned
    self.writeBack = writeBack
  }
}
