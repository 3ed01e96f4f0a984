// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

extension ScenarioReader {
  /// How memories are used.
  func cache(_ top: MappingReader) -> ScenarioCache {
    let reader = MappingReader(top.requiredChild("cache"), into: collector)
    defer { reader.finish() }
    let pool = reader.choice("pool", among: ["per-layer", "global"])
    let initial = reader.choice("initial", among: ScenarioCache.Initial.allCases.map(\.rawValue))
    let reset = reader.choice("reset", among: ScenarioCache.Reset.allCases.map(\.rawValue))
    let cache = ScenarioCache(
      experts: experts(reader), minimumExpertBytes: reader.bytes("experts_min") ?? 0,
      isPerLayer: pool != "global", host: host(reader), keyValue: keyValue(reader),
      swapBytes: reader.bytes("swap", in: 1...(1 << 60)) ?? 0,
      memoryFraction: reader.quantity("memory_fraction", .fraction, in: 0.01...1) ?? 1,
      workspaceBytes: reader.bytes("workspace") ?? 0,
      stagingBuffers: reader.int("staging_buffers", in: 1...65_536) ?? 1,
      initial: initial.flatMap(ScenarioCache.Initial.init) ?? .filled,
      reset: reset.flatMap(ScenarioCache.Reset.init) ?? .never)
    if cache.keyValue == .elastic, cache.isPerLayer {
      reader.report("kv", "elastic room is shared by all layers; it needs pool: global")
    }
    if cache.swapBytes > 0, top.child("serving")?["preemption"]?.scalar != "swap" {
      reader.report(
        "swap", "is room for swapped keys and values; expected serving.preemption: swap beside it")
    }
    return cache
  }

  private func experts(_ reader: MappingReader) -> ScenarioCache.Room {
    switch reader.string("experts") {
    case nil, "auto"?: return .automatic
    case "all"?: return .all
    case "none"?: return .none
    case let text?:
      do {
        return .sized(try CacheCapacity(parsing: text))
      } catch {
        reader.report(
          "experts",
          "\(error); expected auto, all, none, a share such as 35%, a number of experts, or bytes")
        return .automatic
      }
    }
  }

  private func host(_ reader: MappingReader) -> ScenarioCache.HostRoom {
    switch reader.string("dram") {
    case nil, "auto"?: .automatic
    case "all"?: .all
    default: .bytes(reader.bytes("dram") ?? 0)
    }
  }

  private func keyValue(_ reader: MappingReader) -> ScenarioCache.KeyValueRoom {
    switch reader.string("kv") {
    case nil, "auto"?: .automatic
    case "elastic"?: .elastic
    default: .bytes(reader.bytes("kv", in: 1...(1 << 60)) ?? 1)
    }
  }
}
