// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Residency

extension MemoryPlan {
  /// Says by how much a plan does not fit in device memory, and which settings near it do: each is
  /// tried before it is suggested.
  func deviceMisfit(
    model: ModelDescriptor, precision: PrecisionPlan, figures: MachineFigures,
    cache: CacheConfiguration, smallestKeyValue: Int64
  ) -> DoesNotFit {
    let slotBytes = scope == .perLayer ? Int64(layers) * expertBytes : expertBytes
    let least = layers > 0 ? max(expertCacheBytes, slotBytes) : 0
    return DoesNotFit(
      memory: "gpu0.hbm", capacityBytes: deviceBudget,
      parts: [
        ("non-expert weights", nonExpertBytes), ("workspace", workspaceBytes),
        ("expert cache", least), ("staging buffers", stagingBytes),
        ("KV cache", max(keyValueBytes, smallestKeyValue)),
      ],
      suggestions: Remedies(
        model: model, precision: precision, figures: figures, cache: cache,
        smallestKeyValue: smallestKeyValue, plan: self
      ).all())
  }

  /// Changes of a plan that does not fit, from the smallest to the largest.
  private struct Remedies {
    let model: ModelDescriptor
    let precision: PrecisionPlan
    let figures: MachineFigures
    let cache: CacheConfiguration
    let smallestKeyValue: Int64
    let plan: MemoryPlan

    private static let mebibyte: Int64 = 1 << 20

    /// The changes that fit; host memory and drive are another matter.
    func all() -> [String] {
      var found = experts(cache)
      if let keyValue { found += [keyValueAlone(keyValue), keyValueAndExperts(keyValue)] }
      if found.compactMap({ $0 }).isEmpty, plan.scope == .perLayer {
        var global = cache
        global.pool = .global
        found = experts(global, prefix: "cache.pool: global with ")
      }
      let fitting = found.compactMap { $0 }
      return fitting.isEmpty ? [largerDevice()] : fitting
    }

    private func fits(_ cache: CacheConfiguration, _ figures: MachineFigures) -> Bool {
      MemoryPlan.fitsDevice(
        model: model, precision: precision, figures: figures, cache: cache, division: plan.division,
        gpus: plan.gpus)
    }

    /// As many experts as there is room for beside the KV cache that was asked for.
    private func experts(_ cache: CacheConfiguration, prefix: String = "") -> [String?] {
      guard plan.layers > 0 else { return [] }
      let perLayer = cache.pool == .perLayer && !plan.isElastic
      let of = perLayer ? plan.experts : plan.totalExperts
      var low = 0
      var high = of
      while low < high {
        let middle = (low + high + 1) / 2
        var tried = cache
        tried.experts = .count(middle)
        if fits(tried, figures) { low = middle } else { high = middle - 1 }
      }
      guard low >= 1 else { return [] }
      return [
        prefix + "cache.experts: \(low) (\(low * 100 / of) % of \(of) experts"
          + (perLayer ? " of each layer)" : ")")
      ]
    }

    /// The KV cache that was asked for by its size, where one was.
    private var keyValue: Int64? {
      if case .bytes(let bytes) = cache.keyValue { bytes } else { nil }
    }

    /// The KV cache as near as possible to what was asked for, the experts as asked for.
    private func keyValueAlone(_ asked: Int64) -> String? {
      let least = (smallestKeyValue + Self.mebibyte - 1) / Self.mebibyte
      var low = least - 1
      var high = max(least, min(asked, plan.deviceBudget) / Self.mebibyte)
      while low < high {
        let middle = (low + high + 1) / 2
        if fits(with(keyValue: middle), figures) { low = middle } else { high = middle - 1 }
      }
      return low >= least ? "cache.kv: \(low) MiB" : nil
    }

    /// The smallest KV cache, and as many experts as there is room for beside it.
    private func keyValueAndExperts(_ asked: Int64) -> String? {
      let least = (smallestKeyValue + Self.mebibyte - 1) / Self.mebibyte
      guard experts(cache).isEmpty, keyValueAlone(asked) == nil else { return nil }
      return experts(with(keyValue: least), prefix: "cache.kv: \(least) MiB with ").first ?? nil
    }

    private func with(keyValue mebibytes: Int64) -> CacheConfiguration {
      var changed = cache
      changed.keyValue = .bytes(mebibytes * Self.mebibyte)
      return changed
    }

    /// The smallest device on which the settings fit as they are, or with `cache.experts: auto`.
    private func largerDevice() -> String {
      let gibibyte: Int64 = 1 << 30
      var automatic = cache
      automatic.experts = .automatic
      for (tried, words) in [(cache, ""), (automatic, " and cache.experts: auto")] {
        var low: Int64 = 0
        var high: Int64 = 1 << 20
        while low < high {
          let middle = (low + high) / 2
          var larger = figures
          larger.deviceMemoryBytes = middle * gibibyte - figures.deviceReservedBytes
          if fits(tried, larger) { high = middle } else { low = middle + 1 }
        }
        if low < 1 << 20 {
          return "a device with at least \(low) GiB\(words), or weights of fewer bits"
            + " (precision.attention, precision.head)"
        }
      }
      return "cache.experts: auto and cache.kv: auto"
    }
  }
}
