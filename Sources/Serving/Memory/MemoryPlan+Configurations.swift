// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

extension ServingConfiguration {
  /// How a run of the configuration would divide the memories, found without running it.
  ///
  /// - Throws: ``DoesNotFit``, `IndivisibleModel`, or what a schedule of whole steps says of itself.
  public func memoryPlan() throws -> MemoryPlan {
    let shard = try shardedModel()
    var own = self
    own.cache = cache.withBlocksInBytes(
      model: shard, precision: precision, draft: batching.speculation?.model)
    if let draft = batching.speculation?.model {
      own.cache.workspaceBytes += draft.descriptor.bytes(under: draft.precision).total
    }
    return try GraphState(own)?.memory(of: own) ?? own.memoryPlan(of: shard)
  }
}

extension ReplicaGroup {
  /// What one GPU of the group would hold, found without running it.
  ///
  /// - Throws: ``DoesNotFit``, `IndivisibleModel`.
  public func memory() throws -> ReplicaMemory {
    var experts = model.expertCount
    if case .balanced(let copies) = placement, experts > 0 { experts += copies }
    return try ReplicaMemory(
      self, shard: try model.shard(plan.shares),
      slotsPerGroup: (experts + plan.expert - 1) / plan.expert)
  }
}
