// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming

/// A table's rows by what describes them: laws of families, laws of operations, none.
struct SortedTimings {
  /// Kernels, by law and implementation.
  private(set) var kernels: [TimedWork.Key: [String: [TimedWork]]] = [:]
  /// Collectives, where the device has a link to others.
  private(set) var collectives: [TimedOperation<CollectiveLaw>] = []
  /// Whole modules of latent attention.
  private(set) var modules: [TimedOperation<LatentAttentionLaw>] = []
  /// How many rows no law describes, by kernel.
  var unused: [String: Int] = [:]

  /// Sorts `rows`, timed on `device`.
  init(_ rows: [KernelMeasurement], of device: DeviceCapability) {
    for row in rows {
      if let module = row.timedLatentAttention() {
        modules.append(module)
      } else if device.linkRate > 0, let collective = row.timedCollective() {
        collectives.append(collective)
      } else if let timed = row.timedWork() {
        kernels[timed.key, default: [:]][timed.variant, default: []].append(timed)
      } else {
        unused[row.kernel.rawValue, default: 0] += 1
      }
    }
  }

  /// Laws with the implementations that were timed, in the order of reports.
  var inOrder: [(key: TimedWork.Key, variants: [(name: String, points: [TimedWork])])] {
    kernels.sorted { $0.key < $1.key }.map { key, variants in
      (key, variants.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }
  }

  /// What no law describes, in order.
  var unusedInOrder: [(name: String, count: Int)] {
    unused.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}
