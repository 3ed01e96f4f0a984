// SPDX-License-Identifier: GPL-3.0-or-later

extension ServingEngine {
  /// How memories were used when weights streamed through device memory.
  func streamingReport(_ streaming: StreamingMemory) -> [SimulationResult.MemoryReport] {
    let figures = configuration.figures
    let fixed =
      memory.nonExpertBytes + memory.workspaceBytes + streaming.residentBytes
      + streaming.weightBufferBytes + streaming.keyValueBufferBytes
    let capacity = max(1, memory.keyValueBytes)
    let share = Double(batch.keyValue.highWater) / Double(capacity)
    let deviceUsed = fixed + Int64(Double(streaming.deviceKeyValueBytes) * share)
    let hostFixed = memory.hostExpertBytes + streaming.pinnedBytes
    let hostUsed = hostFixed + Int64(Double(streaming.hostKeyValueBytes) * share)
    let free = { (capacity: Int64, used: Int64) in Double(max(0, capacity - used)) }
    return [
      .init(
        name: "gpu0.hbm", capacityBytes: figures.deviceMemoryBytes,
        parts: [
          .init(name: "non-expert weights", value: Double(memory.nonExpertBytes)),
          .init(name: "resident experts", value: Double(streaming.residentBytes)),
          .init(name: "weight buffers", value: Double(streaming.weightBufferBytes)),
          .init(name: "KV buffers", value: Double(streaming.keyValueBufferBytes)),
          .init(name: "KV cache", value: Double(streaming.deviceKeyValueBytes)),
          .init(name: "workspace", value: Double(memory.workspaceBytes)),
          .init(
            name: "free",
            value: free(figures.deviceMemoryBytes, fixed + streaming.deviceKeyValueBytes)),
        ], highWaterBytes: deviceUsed),
      .init(
        name: "host.dram", capacityBytes: figures.hostMemoryBytes,
        parts: [
          .init(name: "experts", value: Double(memory.hostExpertBytes)),
          .init(name: "pinned buffers", value: Double(streaming.pinnedBytes)),
          .init(name: "KV cache", value: Double(streaming.hostKeyValueBytes)),
          .init(
            name: "free",
            value: free(figures.hostMemoryBytes, hostFixed + streaming.hostKeyValueBytes)),
        ], highWaterBytes: hostUsed),
    ]
  }
}
