// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Residency

/// How the memories of a machine are divided for a model: who gets how many bytes.
public struct MemoryPlan: Sendable {
  /// MoE layers, those of an encoder before the decoder's.
  public var layers: Int
  /// Experts of each MoE layer; of a group of GPUs among which they are dealt out, those of one.
  public var experts: Int
  /// Bytes of one expert.
  public var expertBytes: Int64
  /// Weights that are always in device memory [bytes].
  public var nonExpertBytes: Int64
  /// Activations, context and fragmentation [bytes].
  public var workspaceBytes: Int64
  /// Staging buffers for experts that get no room [bytes].
  public var stagingBytes: Int64
  /// The KV cache [bytes].
  public var keyValueBytes: Int64
  /// The expert cache [bytes].
  public var expertCacheBytes: Int64
  /// Device memory that may be used [bytes].
  public var deviceBudget: Int64
  /// Experts in the cache: of each layer with a pool per layer, else in all.
  public var slots: Int
  /// Whether each layer has a pool of its own.
  public var scope: PoolPlan.Scope
  /// Whether every expert is in device memory for good.
  public var everyExpertIsResident: Bool
  /// Experts that host memory holds; `nil` when it holds all of them or none is needed.
  public var hostSlots: Int?
  /// Host memory used for experts [bytes].
  public var hostExpertBytes: Int64
  /// Whether the KV cache may take room from the expert cache.
  public var isElastic: Bool
  /// With an elastic KV cache, what it and the experts share [bytes]; else 0.
  public var sharedBytes: Int64
  /// Where weights, keys and values lie that stream by plan; `nil` where none do.
  public var streaming: StreamingMemory?
  /// Host memory kept for keys and values of preempted sequences [bytes].
  public var swapBytes: Int64 = 0
  /// Devices of which each holds what is said here, its share of the experts and of the KV cache.
  public var devices = 1

  /// The GPUs of one host among which the replica is divided; what is said here of a device is that
  /// of each, what is said of the host is for all.
  public var gpus = GPUDivision.single

  /// What a policy says about the division of the expert cache.
  public var division = ExpertDivision()
  /// Whether the cache may hold no expert at all.
  var mayHoldNone = false
  /// Experts of each version in the cache, counted as ``slots`` are; the first is ``slots``.
  public var versionSlots: [Int] = []

  /// Experts in all; of a group of GPUs, those of one.
  public var totalExperts: Int { layers * experts }

  /// Experts of each MoE layer of the model.
  public var modelExperts: Int { experts * gpus.expertGroups }

  /// The pools of the fastest tier.
  var pools: PoolPlan {
    if isElastic { return ofEachGPU(.global(bytes: expertCacheBytes)) }
    var plan = PoolPlan(scope: scope, unit: .slots, capacities: versionSlots.map { Int64($0) })
    if scope == .perLayer { plan.layerCapacities = division.layerSlots?.map { Int64($0) } }
    return ofEachGPU(plan)
  }

  /// A plan of pools for each GPU that has experts of its own.
  private func ofEachGPU(_ plan: PoolPlan) -> PoolPlan {
    guard gpus.expertGroups > 1 else { return plan }
    var all = plan
    all.devices = gpus.expertGroups
    all.deviceOfExpert = gpus.groups(experts: modelExperts)
    return all
  }

  /// The size of an expert in a pool of the fastest tier [bytes].
  func bytes(ofPool number: Int) -> Int64 {
    let pool = number % (max(1, versionSlots.count) * (scope == .perLayer ? max(1, layers) : 1))
    let version = scope == .perLayer ? pool / max(1, layers) : pool
    return version == 0 ? expertBytes : division.versions[version - 1].bytes
  }

  /// The bytes of every expert in every version, as the host stores them for all GPUs.
  var storedBytes: Int64 {
    let own = division.versions.reduce(Int64(totalExperts) * expertBytes) {
      $0 + Int64(totalExperts) * $1.bytes
    }
    return own * Int64(gpus.gpus)
  }

  /// The bytes of an expert as the host stores it: the parts of all GPUs that it is cut among.
  var wholeExpertBytes: Int64 { expertBytes * Int64(gpus.shards) }
}

/// What a policy says about the division of the expert cache.
public struct ExpertDivision: Sendable {
  /// A less precise version of every expert.
  public struct Version: Sendable {
    /// Bytes of an expert.
    public var bytes: Int64
    /// The share of the expert cache's bytes that is the version's own.
    public var cacheShare: Double
  }

  /// The less precise versions.
  public var versions: [Version] = []
  /// How many experts of each layer the cache holds, where layers differ.
  public var layerSlots: [Int]?

  /// One version of each expert, every layer alike.
  public init() {}
}

extension MemoryPlan {
  /// Divides the memories of a machine.
  ///
  /// - Parameters:
  ///   - model: The model as one GPU sees it (`ModelDescriptor.shard`).
  ///   - gpus: How the replica is divided among GPUs.
  /// - Throws: ``DoesNotFit`` with the numbers and the nearest settings that fit.
  public init(
    model: ModelDescriptor, precision: PrecisionPlan, figures: MachineFigures,
    cache: CacheConfiguration, division: ExpertDivision = ExpertDivision(),
    gpus: GPUDivision = .single
  ) throws {
    self.init(
      dividing: model, precision: precision, figures: figures, cache: cache, division: division,
      gpus: gpus)
    let smallest = Self.smallestKeyValue(model, precision: precision, cache: cache)
    guard fitsDevice(smallestKeyValue: smallest) else {
      throw deviceMisfit(
        model: model, precision: precision, figures: figures, cache: cache,
        smallestKeyValue: smallest)
    }
    swapBytes = cache.swapBytes
    try checkSwap(figures: figures)
    try planHost(cache: cache, figures: figures)
  }

  /// Refuses more swap space than host memory may be used for.
  private func checkSwap(figures: MachineFigures) throws {
    let usable = Int64(Double(figures.hostMemoryBytes) * Self.usableHostShare)
    guard swapBytes > usable, !figures.isUnified else { return }
    throw DoesNotFit(
      memory: "host.dram", capacityBytes: usable, parts: [("KV swap", swapBytes)],
      suggestions: ["cache.swap: \(usable >> 30) GiB"])
  }

  /// Whether a plan fits in device memory.
  static func fitsDevice(
    model: ModelDescriptor, precision: PrecisionPlan, figures: MachineFigures,
    cache: CacheConfiguration, division: ExpertDivision, gpus: GPUDivision = .single
  ) -> Bool {
    MemoryPlan(
      dividing: model, precision: precision, figures: figures, cache: cache, division: division,
      gpus: gpus
    ).fitsDevice(smallestKeyValue: smallestKeyValue(model, precision: precision, cache: cache))
  }

  /// The least that the KV cache must hold: a sequence of sixteen blocks, and behind an encoder a
  /// prompt of as many.
  static func smallestKeyValue(
    _ model: ModelDescriptor, precision: PrecisionPlan, cache: CacheConfiguration
  ) -> Int64 {
    let tokens = 16 * cache.keyValueBlockTokens
    return Int64(
      model.cacheBytes(length: tokens, encoderLength: tokens, under: precision).rounded(.up))
  }

  private func fitsDevice(smallestKeyValue: Int64) -> Bool {
    let caches = isElastic ? sharedBytes : keyValueBytes + expertCacheBytes
    return nonExpertBytes + workspaceBytes + stagingBytes + caches <= deviceBudget
      && keyValueBytes >= smallestKeyValue && (totalExperts == 0 || slots >= 1 || mayHoldNone)
  }

  /// Divides a device's memory, whether or not it fits.
  private init(
    dividing model: ModelDescriptor, precision: PrecisionPlan, figures: MachineFigures,
    cache: CacheConfiguration, division: ExpertDivision, gpus: GPUDivision
  ) {
    self.division = division
    self.gpus = gpus
    mayHoldNone = cache.experts == .count(0) || division.layerSlots != nil
    let bytes = model.bytes(under: precision)
    layers = model.mixtureLayerCount
    experts = model.expertCount / gpus.expertGroups
    expertBytes = bytes.perExpert
    nonExpertBytes = bytes.nonExpert
    workspaceBytes = cache.workspaceBytes
    deviceBudget = Int64(Double(figures.deviceMemoryBytes) * cache.memoryFraction)
    scope = cache.pool
    isElastic = false
    sharedBytes = 0
    keyValueBytes = 0
    expertCacheBytes = 0
    stagingBytes = 0
    slots = 0
    everyExpertIsResident = true
    hostSlots = nil
    hostExpertBytes = 0

    let room = deviceBudget - nonExpertBytes - workspaceBytes
    let total = layers * experts
    divide(
      cache: cache, room: room, total: total,
      smallestKeyValue: Self.smallestKeyValue(model, precision: precision, cache: cache))
    divideVersions()
    everyExpertIsResident =
      total == 0 || (slotsCoverAll(total) && !isElastic && division.versions.isEmpty)
    if !everyExpertIsResident { stagingBytes = Int64(cache.stagingBuffers) * expertBytes }
  }

  /// Divides what the fixed parts leave among experts, staging buffers and KV cache.
  private mutating func divide(
    cache: CacheConfiguration, room: Int64, total: Int, smallestKeyValue: Int64
  ) {
    let all = Int64(total) * expertBytes
    if let held = division.layerSlots, total > 0 {
      slots = held.max() ?? 0
      expertCacheBytes = Int64(held.reduce(0, +)) * expertBytes
      scope = .perLayer
      let staging = slotsCoverAll(total) ? 0 : Int64(cache.stagingBuffers) * expertBytes
      keyValueBytes = max(0, room - expertCacheBytes - staging)
      if case .bytes(let bytes) = cache.keyValue { keyValueBytes = bytes }
      return
    }
    let staging = Int64(cache.stagingBuffers) * expertBytes
    func setSlots(_ value: Int) {
      slots = max(0, min(value, scope == .perLayer ? experts : total))
      expertCacheBytes = Int64(slots) * (scope == .perLayer ? Int64(layers) : 1) * expertBytes
    }
    func slotsWithin(_ bytes: Int64) -> Int {
      guard expertBytes > 0, bytes > 0 else { return 0 }
      let perSlot = scope == .perLayer ? Int64(layers) * expertBytes : expertBytes
      return Int(bytes / perSlot)
    }
    var keyValue: Int64?
    if case .bytes(let bytes) = cache.keyValue { keyValue = bytes }
    if case .elastic(let minimum) = cache.keyValue, total > 0 {
      isElastic = true
      scope = .global
      sharedBytes = max(0, room - staging)
      expertCacheBytes = min(all, sharedBytes)
      keyValueBytes = sharedBytes - max(minimum, expertBytes)
      slots = Int(expertCacheBytes / expertBytes)
      return
    }
    switch cache.experts {
    case .all: setSlots(total)
    case .share(let share):
      setSlots(Int((share * Double(scope == .perLayer ? experts : total) + 1e-9).rounded(.down)))
    case .count(let count): setSlots(count)
    case .bytes(let bytes): setSlots(slotsWithin(bytes))
    case .automatic:
      // Everything if it fits beside the KV cache; else what is left, a tenth going to the KV cache
      // where nothing is said of it.
      let wanted = keyValue ?? max(smallestKeyValue, room / 10)
      setSlots(slotsWithin(all + wanted <= room ? all : room - wanted - staging))
    }
    let held = expertCacheBytes + (slotsCoverAll(total) ? 0 : staging)
    keyValueBytes = keyValue ?? max(0, room - held)
  }

  /// Divides the expert cache among the versions of experts.
  private mutating func divideVersions() {
    let layersOfPool = scope == .perLayer ? Int64(max(1, layers)) : 1
    let most = scope == .perLayer ? experts : totalExperts
    versionSlots = [slots]
    for version in division.versions {
      let bytes = Double(expertCacheBytes / layersOfPool) * version.cacheShare
      versionSlots.append(min(most, Int(bytes / Double(max(1, version.bytes)))))
    }
    guard !division.versions.isEmpty, expertBytes > 0 else { return }
    let low = zip(versionSlots.dropFirst(), division.versions).reduce(Int64(0)) {
      $0 + Int64($1.0) * $1.1.bytes
    }
    slots = max(0, slots - Int((low + expertBytes - 1) / expertBytes))
    versionSlots[0] = slots
    expertCacheBytes = layersOfPool * (Int64(slots) * expertBytes + low)
  }

  private func slotsCoverAll(_ total: Int) -> Bool {
    if let held = division.layerSlots { return held.allSatisfy { $0 == experts } }
    return total == 0 || slots == (scope == .perLayer ? experts : total)
  }

  /// Decides what host memory holds of the experts that are not all in device memory.
  private mutating func planHost(cache: CacheConfiguration, figures: MachineFigures) throws {
    guard !everyExpertIsResident else { return }
    let all = storedBytes
    if figures.isUnified {
      // One memory: what is not in the cache is on the drive.
      guard figures.drive != nil else {
        throw noDrive(all, capacity: figures.deviceMemoryBytes, figures: figures)
      }
      try checkDrive(all, figures: figures)
      return
    }
    let usable = Int64(Double(figures.hostMemoryBytes) * Self.usableHostShare) - swapBytes
    switch cache.host {
    case .all, .automatic:
      if all <= usable {
        hostExpertBytes = all
        return
      }
      guard cache.host == .automatic, figures.drive != nil, usable >= wholeExpertBytes else {
        throw noDrive(all, capacity: usable, figures: figures)
      }
      hostSlots = Int(usable / wholeExpertBytes)
    case .bytes(let bytes):
      guard bytes <= usable else { throw noDrive(bytes, capacity: usable, figures: figures) }
      if bytes >= all {
        hostExpertBytes = all
        return
      }
      guard figures.drive != nil else { throw noDrive(all, capacity: bytes, figures: figures) }
      hostSlots = Int(bytes / wholeExpertBytes)
    }
    hostExpertBytes = Int64(hostSlots ?? 0) * wholeExpertBytes
    try checkDrive(all, figures: figures)
  }

  private func noDrive(
    _ needed: Int64, capacity: Int64, figures: MachineFigures
  ) -> DoesNotFit {
    let all = storedBytes
    var suggestions: [String] = []
    if let drive = figures.drive, drive.capacityBytes >= all {
      suggestions.append("cache.dram: auto, with the rest read from the drive")
    } else {
      suggestions.append("a machine with a drive and cache.dram: auto")
    }
    if !figures.isUnified {
      let least = (Double(all) / 0.9 + Double(figures.hostReservedBytes)) / Double(1 << 30)
      suggestions.append(
        "host memory of at least \(Int(least.rounded(.up))) GiB and cache.dram: all")
    }
    suggestions.append("precision.experts of fewer bits")
    return DoesNotFit(
      memory: figures.expertMemoryName, capacityBytes: capacity, parts: [("experts", needed)],
      suggestions: suggestions)
  }

  private func checkDrive(_ needed: Int64, figures: MachineFigures) throws {
    guard let drive = figures.drive, drive.capacityBytes >= needed else {
      throw DoesNotFit(
        memory: "ssd0", capacityBytes: figures.drive?.capacityBytes ?? 0,
        parts: [("experts", needed)],
        suggestions: ["a larger drive", "precision.experts of fewer bits"])
    }
  }
}
