// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies
import Residency

extension MemoryPlan {
  /// Divides the memory of each device of a group: its share of the routed experts, what of the rest
  /// `group.attention` gives it, and a KV cache of what is left or of `cache.kv`.
  ///
  /// With data parallelism a device holds all weights that are no routed experts, and the caches of its
  /// sequences; with tensor parallelism its share of attention's weights, and of every cache.
  ///
  /// - Throws: ``DoesNotFit`` with the numbers; ``GraphPlanError`` where something else than all
  ///   experts is to be held.
  init(
    group: DeviceGroup, model: ModelDescriptor, precision: PrecisionPlan, figures: MachineFigures,
    cache: CacheConfiguration
  ) throws {
    guard cache.experts == .automatic || cache.experts == .all else {
      throw GraphPlanError(
        "experts on several devices are all resident; set cache.experts to all or auto")
    }
    var keyValue: Int64?
    switch cache.keyValue {
    case .automatic: break
    case .bytes(let bytes): keyValue = bytes
    case .elastic:
      throw GraphPlanError(
        "the KV cache takes no room from experts that are spread over devices; set cache.kv to auto"
          + " or bytes")
    }
    let bytes = model.bytes(under: precision)
    let layers = model.mixtureLayers.count
    let own = (model.expertCount + group.devices - 1) / group.devices
    var nonExpert = bytes.nonExpert
    if group.attention == .tensor {
      for layer in model.layers {
        let attention = layer.bytes(under: precision).attention
        nonExpert -= attention - (attention + Int64(group.devices) - 1) / Int64(group.devices)
      }
    }
    let budget = Int64(Double(figures.deviceMemoryBytes) * cache.memoryFraction)
    let experts = Int64(layers * own) * bytes.perExpert
    let room = budget - nonExpert - cache.workspaceBytes - experts
    self.init(
      layers: layers, experts: model.expertCount, expertBytes: bytes.perExpert,
      nonExpertBytes: nonExpert, workspaceBytes: cache.workspaceBytes, stagingBytes: 0,
      keyValueBytes: keyValue ?? max(0, room), expertCacheBytes: experts, deviceBudget: budget,
      slots: model.expertCount, scope: .perLayer, everyExpertIsResident: true, hostSlots: nil,
      hostExpertBytes: 0, isElastic: false, sharedBytes: 0)
    devices = group.devices
    versionSlots = [slots]
    let smallest = Self.smallestKeyValue(model, precision: precision, cache: cache)
    let least = group.attention == .tensor ? smallest / Int64(group.devices) : smallest
    guard max(keyValueBytes, least) <= room, keyValueBytes >= least else {
      throw groupMisfit(least: max(keyValueBytes, least), asked: keyValue, smallest: least)
    }
  }

  /// Says by how much a device's share does not fit, and what would.
  private func groupMisfit(least: Int64, asked: Int64?, smallest: Int64) -> DoesNotFit {
    let missing =
      nonExpertBytes + workspaceBytes + expertCacheBytes + least - deviceBudget
    var suggestions: [String] = []
    if let asked, asked >= smallest, asked - missing >= smallest {
      suggestions.append("cache.kv: \((asked - missing) >> 20) MiB")
    }
    // More devices divide the experts alone.
    let rest = deviceBudget - nonExpertBytes - workspaceBytes - least
    if rest > 0 {
      let all = Double(totalExperts) * Double(expertBytes)
      var more = max(devices + 1, Int((all / Double(rest)).rounded(.up)))
      while more < experts && experts % more != 0 { more += 1 }
      if more <= experts { suggestions.append("serving.parallelism.expert: \(more)") }
    }
    let gibibytes = Double(deviceBudget + missing) / Double(1 << 30)
    suggestions.append("devices of which \(Int(gibibytes.rounded(.up))) GiB may be used")
    suggestions.append("precision.experts of fewer bits")
    return DoesNotFit(
      memory: "gpu0.hbm", capacityBytes: deviceBudget,
      parts: [
        ("non-expert weights", nonExpertBytes), ("workspace", workspaceBytes),
        ("a share of the experts", expertCacheBytes), ("KV cache", least),
      ], suggestions: suggestions)
  }
}
