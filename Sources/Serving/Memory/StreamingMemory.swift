// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies

/// How memories are divided when weights stream through device memory as a schedule has planned.
public struct StreamingMemory: Sendable, Equatable {
  /// The share of each layer's experts that stays in device memory.
  public var residentShare: Double
  /// Experts that stay in device memory [bytes].
  public var residentBytes: Int64
  /// Room in device memory for what streams [bytes].
  public var weightBufferBytes: Int64
  /// Room in device memory for keys and values that are loaded for a layer [bytes].
  public var keyValueBufferBytes: Int64
  /// Keys and values that stay in device memory [bytes].
  public var deviceKeyValueBytes: Int64
  /// Keys and values in host memory [bytes].
  public var hostKeyValueBytes: Int64
  /// Pinned host memory through which weights pass [bytes].
  public var pinnedBytes: Int64
}

extension MemoryPlan {
  /// The share of host memory that weights and keys and values may use; the operating system and the
  /// server itself keep a tenth.
  static let usableHostShare = 0.9

  /// Divides the memories of a machine as a schedule has planned.
  ///
  /// Device memory holds what is no expert, the planned share of the experts, buffers for what
  /// streams, and its part of the KV cache; host memory the other experts and the rest of the cache,
  /// which is all that is left, or `cache.kv`.
  ///
  /// - Throws: ``DoesNotFit`` with the numbers.
  init(
    streaming plan: GraphPlan, model: ModelDescriptor, precision: PrecisionPlan,
    figures: MachineFigures, cache: CacheConfiguration, longestSequence: Int
  ) throws {
    let bytes = model.bytes(under: precision)
    let layers = model.mixtureLayers.count
    let perLayer = Int64(model.expertCount) * bytes.perExpert
    let streamedLayer = Int64((Double(perLayer) * (1 - plan.residentShare)).rounded(.up))
    let resident = Int64(layers) * (perLayer - streamedLayer)
    let sequence = model.cacheBytes(length: longestSequence, under: precision)
    let perLayerSequence = sequence / Double(max(1, model.layers.count))
    let buffered = perLayerSequence * Double(plan.keyValueBuffers * plan.microBatchSize)
    var memory = StreamingMemory(
      residentShare: plan.residentShare, residentBytes: resident,
      weightBufferBytes: Int64(plan.weightBuffers) * streamedLayer,
      keyValueBufferBytes: Int64((buffered * (1 - plan.deviceKeyValueShare)).rounded(.up)),
      deviceKeyValueBytes: 0, hostKeyValueBytes: 0,
      pinnedBytes: Int64(plan.pinnedBuffers) * streamedLayer)
    let deviceBudget = Int64(Double(figures.deviceMemoryBytes) * cache.memoryFraction)
    let deviceRoom =
      deviceBudget - bytes.nonExpert - cache.workspaceBytes - memory.residentBytes
      - memory.weightBufferBytes - memory.keyValueBufferBytes
    let hostBudget = Int64(Double(figures.hostMemoryBytes) * Self.usableHostShare)
    let hostRoom = hostBudget - Int64(layers) * streamedLayer - memory.pinnedBytes
    // Each memory bounds the cache by its share of it.
    let share = plan.deviceKeyValueShare
    var keyValue = Double.infinity
    if share > 0 { keyValue = min(keyValue, Double(deviceRoom) / share) }
    if share < 1 { keyValue = min(keyValue, Double(hostRoom) / (1 - share)) }
    if case .bytes(let asked) = cache.keyValue { keyValue = min(keyValue, Double(asked)) }
    let capacity = Int64(max(0, keyValue).rounded(.down))
    memory.deviceKeyValueBytes = Int64((Double(capacity) * share).rounded(.down))
    memory.hostKeyValueBytes = capacity - memory.deviceKeyValueBytes
    self.init(
      layers: layers, experts: model.expertCount, expertBytes: bytes.perExpert,
      nonExpertBytes: bytes.nonExpert, workspaceBytes: cache.workspaceBytes,
      stagingBytes: memory.weightBufferBytes + memory.keyValueBufferBytes,
      keyValueBytes: capacity, expertCacheBytes: resident, deviceBudget: deviceBudget,
      slots: model.expertCount, scope: .perLayer, everyExpertIsResident: true, hostSlots: nil,
      hostExpertBytes: Int64(layers) * streamedLayer, isElastic: false, sharedBytes: 0,
      streaming: memory, versionSlots: [model.expertCount])
    let smallest = Int64(sequence.rounded(.up))
    if deviceRoom < (share > 0 ? Int64(Double(smallest) * share) : 0) {
      throw streamingMisfit(memory, smallest: smallest, deviceRoom: deviceRoom)
    }
    if share < 1, hostRoom < Int64(Double(smallest) * (1 - share)) {
      throw hostMisfit(memory, smallest: smallest, budget: hostBudget, figures: figures)
    }
  }

  private func streamingMisfit(
    _ memory: StreamingMemory, smallest: Int64, deviceRoom: Int64
  ) -> DoesNotFit {
    let keyValue = memory.deviceKeyValueBytes > 0 ? smallest : 0
    let missing = keyValue - deviceRoom
    var suggestions: [String] = []
    if memory.residentBytes >= missing, layers > 0 {
      // A share less of each layer gives its bytes back, but for the buffers that it then needs.
      let total = Double(totalExperts) * Double(expertBytes)
      let buffers = Double(memory.weightBufferBytes) / max(1e-9, 1 - memory.residentShare)
      let share = memory.residentShare - Double(missing) / max(1, total - buffers)
      if share >= 0 {
        suggestions.append("cache.experts: \(Int((share * 100).rounded(.down)))%")
      }
    }
    let gibibytes = Double(deviceBudget + missing) / Double(1 << 30)
    suggestions.append("a device of which \(Int(gibibytes.rounded(.up))) GiB may be used")
    suggestions.append("precision.experts of fewer bits")
    return DoesNotFit(
      memory: "gpu0.hbm", capacityBytes: deviceBudget,
      parts: [
        ("non-expert weights", nonExpertBytes), ("workspace", workspaceBytes),
        ("resident experts", memory.residentBytes),
        ("buffers of streamed weights", memory.weightBufferBytes),
        ("buffers of keys and values", memory.keyValueBufferBytes), ("KV cache", keyValue),
      ], suggestions: suggestions)
  }

  private func hostMisfit(
    _ memory: StreamingMemory, smallest: Int64, budget: Int64, figures: MachineFigures
  ) -> DoesNotFit {
    let needed = hostExpertBytes + memory.pinnedBytes + smallest
    let least =
      (Double(needed) / Self.usableHostShare + Double(figures.hostReservedBytes))
      / Double(1 << 30)
    return DoesNotFit(
      memory: "host.dram", capacityBytes: budget,
      parts: [
        ("experts", hostExpertBytes), ("pinned buffers", memory.pinnedBytes),
        ("KV cache", smallest),
      ],
      suggestions: [
        "host memory of at least \(Int(least.rounded(.up))) GiB",
        "precision.experts of fewer bits",
      ])
  }
}
