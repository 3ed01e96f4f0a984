// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// What one GPU of a spread replica holds: its part of the weights, and of its rank's KV cache.
public struct ReplicaMemory: Sendable {
  /// Weights that are no routed experts, on the stage that has the most [bytes].
  public var nonExpertBytes: Int64
  /// Routed experts with their copies, on the stage that has the most [bytes].
  public var expertBytes: Int64
  /// Activations, context and fragmentation [bytes].
  public var workspaceBytes: Int64
  /// The KV cache, all lanes together [bytes].
  public var keyValueBytes: Int64
  /// Memory that may be used [bytes].
  public var budget: Int64
  /// The model as the stage with the largest cache sees it: what sequences hold there counts.
  let cachedModel: ModelDescriptor

  /// Divides the memory of each GPU.
  ///
  /// - Parameters:
  ///   - shard: The model as one GPU sees it.
  ///   - slotsPerGroup: Experts, copies counted, that a GPU holds of each MoE layer.
  /// - Throws: ``DoesNotFit`` with the numbers and the nearest plans that fit.
  init(_ group: ReplicaGroup, shard: ModelDescriptor, slotsPerGroup: Int) throws {
    self.init(dividing: group, shard: shard, slotsPerGroup: slotsPerGroup)
    let smallest = MemoryPlan.smallestKeyValue(
      cachedModel, precision: group.precision, cache: group.cache)
    let room = budget - nonExpertBytes - expertBytes - workspaceBytes
    guard keyValueBytes >= smallest, keyValueBytes <= room else {
      let wanted = max(smallest, keyValueBytes)
      throw Self.misfit(group, memory: self, needed: wanted, smallest: smallest)
    }
  }

  private init(dividing group: ReplicaGroup, shard: ModelDescriptor, slotsPerGroup: Int) {
    let plan = group.plan
    let stages = plan.stages(layers: shard.layers.count)
    let whole = shard.bytes(under: group.precision)
    var nonExpert: Int64 = 0
    var experts: Int64 = 0
    var cached = shard
    var mostCache = -1.0
    for (number, range) in stages.enumerated() {
      var stage = shard
      stage.layers = Array(shard.layers[range])
      let bytes = stage.bytes(under: group.precision)
      let ends =
        (number == 0 || shard.tiedEmbeddings ? whole.embedding : 0)
        + (number == stages.count - 1 ? whole.head : 0)
      nonExpert = max(nonExpert, bytes.otherResident + ends)
      let own = stage.layers.reduce(Int64(0)) { sum, layer in
        sum
          + (layer.mixture.map { $0.bytesPerExpert(in: group.precision) * Int64(slotsPerGroup) }
            ?? 0)
      }
      experts = max(experts, own)
      let cache = stage.cacheBytes(length: 4096, under: group.precision)
      if cache > mostCache {
        mostCache = cache
        cached = stage
      }
    }
    nonExpertBytes = nonExpert
    expertBytes = experts
    workspaceBytes = group.cache.workspaceBytes
    budget = Int64(Double(group.figures.deviceMemoryBytes) * group.cache.memoryFraction)
    cachedModel = cached
    let room = budget - nonExpert - experts - workspaceBytes
    if let draft = group.batching.speculation?.model {
      workspaceBytes += draft.descriptor.bytes(under: draft.precision).total
    }
    let cache = group.cache.withBlocksInBytes(
      model: cached, precision: group.precision, draft: group.batching.speculation?.model)
    switch cache.keyValue {
    case .bytes(let bytes): keyValueBytes = bytes
    case .automatic, .elastic: keyValueBytes = max(0, room)
    }
  }

  /// Says by how much a GPU's part does not fit, and the smallest plans that do.
  private static func misfit(
    _ group: ReplicaGroup, memory: ReplicaMemory, needed: Int64, smallest: Int64
  ) -> DoesNotFit {
    var suggestions: [String] = []
    let room = memory.budget - memory.nonExpertBytes - memory.expertBytes - memory.workspaceBytes
    if needed > smallest, room >= smallest { suggestions.append("cache.kv: \(room >> 20) MiB") }
    if let plan = smallestPlan(for: group) {
      suggestions.append(
        "at least \(plan.devices) such GPUs to a replica: serving.parallelism \(plan.words)")
    }
    suggestions.append("precision.experts of fewer bits")
    return DoesNotFit(
      memory: "gpu0.hbm", capacityBytes: memory.budget,
      parts: [
        ("non-expert weights", memory.nonExpertBytes), ("workspace", memory.workspaceBytes),
        ("its part of the experts", memory.expertBytes), ("KV cache", needed),
      ], suggestions: suggestions)
  }

  /// The plan of the fewest GPUs that fits, tensor parallel with whole experts first.
  private static func smallestPlan(for group: ReplicaGroup) -> ParallelPlan? {
    for exponent in 1...10 {
      let devices = 1 << exponent
      for tensor in [devices, 8, 4, 2, 1] where tensor <= devices && devices % tensor == 0 {
        for expert in [devices, 1] {
          var other = group
          other.plan = ParallelPlan(tensor: tensor, data: devices / tensor, expert: expert)
          other.cache.keyValue = .automatic
          other.cache.keyValueBlocks = nil
          if other.model.isDense, other.plan.data > 1 || expert > 1 { continue }
          let experts = max(1, other.model.expertCount)
          guard experts % expert == 0, let shard = try? other.model.shard(other.plan.shares) else {
            continue
          }
          let memory = ReplicaMemory(
            dividing: other, shard: shard, slotsPerGroup: experts / expert)
          let smallest = MemoryPlan.smallestKeyValue(
            memory.cachedModel, precision: other.precision, cache: other.cache)
          if memory.keyValueBytes >= smallest { return other.plan }
        }
      }
    }
    return nil
  }
}

extension ParallelPlan {
  /// As scenarios write it: "{tensor: 8, expert: 8}".
  var words: String {
    let parts = [("tensor", tensor), ("pipeline", pipeline), ("data", data), ("expert", expert)]
      .filter { $0.1 > 1 }.map { "\($0.0): \($0.1)" }
    return "{" + parts.joined(separator: ", ") + "}"
  }
}
