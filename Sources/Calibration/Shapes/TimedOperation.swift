// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import Units

/// A timing of an operation that is no single kernel, as its law sees it.
struct TimedOperation<Law: OperationLaw>: Sendable {
  /// The law that it falls under, as reports name it.
  var name: String
  /// What of several implementations it was.
  var variant: String
  /// The law to begin a fit with: what is known of the implementation.
  var law: Law
  /// What it was called on.
  var shape: Law.Shape
  /// Seconds, the median.
  var seconds: Double
  /// The size along which biases are shown.
  var size: Double
  /// The shape in words.
  var label: String
  /// By what points are held out together: a name for each of the law's groupings.
  var groups: [String]
}

extension KernelMeasurement {
  /// A collective among devices of one machine; `nil` where it is none, where its size is unknown, or
  /// where tokens were dispatched to experts, whose sizes differ by device.
  func timedCollective() -> TimedOperation<CollectiveLaw>? {
    let kind: CollectiveLaw.Kind? =
      switch kernel {
      case .allReduce: .allReduce
      case .allGather: .allGather
      case .reduceScatter: .reduceScatter
      case .allToAll: .allToAll
      default: nil
      }
    guard let kind, let bytes, let devices, devices > 1, tokens == nil,
      (devicesPerNode ?? devices) == devices
    else { return nil }
    var pattern = CollectiveLaw.Pattern(kind)
    if kind == .allReduce, implementation?.lowercased().contains("custom_graph") ?? false {
      // Above that, tables hold what the engine falls back to.
      guard Double(bytes) <= CollectiveLaw.largestShot else { return nil }
      pattern = .shots
    }
    // Switches sum floating-point values, not integers.
    let isIntegerSum = kind == .allReduce && precision == "int8"
    return TimedOperation(
      name: Self.name(of: pattern),
      variant: (implementation ?? "collective") + (isIntegerSum ? " int8 sums" : ""),
      law: CollectiveLaw(pattern),
      shape: CollectiveLaw.Shape(kind, devices: Double(devices), bytes: Double(bytes)),
      seconds: median, size: Double(bytes), label: "\(kind.rawValue) of \(devices)",
      groups: ["\(kind.rawValue) \(devices)", "\(bytes)"])
  }

  private static func name(of pattern: CollectiveLaw.Pattern) -> String {
    switch pattern {
    case .ring: "ring collectives"
    case .exchange: "all_to_all"
    case .shots: "all_reduce in shots"
    }
  }

  /// The whole module of latent attention of DeepSeek-V3 that decodes; `nil` where it is another
  /// kernel, without projections, or of other widths.
  func timedLatentAttention() -> TimedOperation<LatentAttentionLaw>? {
    guard kernel == .latentAttentionDecode, let implementation,
      implementation.hasSuffix("with projections"), headSize == 576, hidden == 7_168,
      let batch, let heads, let past, past > 0,
      let weights = try? NumberFormat(parsing: precision ?? "bf16"),
      let cache = try? NumberFormat(parsing: kvPrecision ?? precision ?? "bf16")
    else { return nil }
    let isTriton = implementation.lowercased().contains("triton")
    var law = LatentAttentionLaw(
      kernel: isTriton ? .triton : .flash,
      hasNarrowWeights: weights.bytesPerElement < 1.5, hasNarrowCache: cache.bytesPerElement < 1.5)
    law.isSingleHead = isTriton && heads == 1
    let widths =
      "\(law.hasNarrowWeights ? "fp8" : "bf16") over \(law.hasNarrowCache ? "fp8" : "bf16")"
    return TimedOperation(
      name: "latent_attention \(widths)" + (law.isSingleHead ? " single head" : ""),
      variant: implementation, law: law,
      shape: LatentAttentionLaw.Shape(
        sequences: Double(batch), heads: Double(heads), context: Double(past)),
      seconds: median, size: Double(past), label: "heads \(heads) batch \(batch)",
      groups: ["\(heads)", "\(batch)", "\(batch) \(past)"])
  }
}
