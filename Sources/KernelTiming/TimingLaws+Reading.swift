// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import ModelDescriptors
import Units

extension KernelFamily {
  /// The name as files write it.
  public var name: String {
    switch self {
    case .gemm: "gemm"
    case .groupedGEMM: "grouped_gemm"
    case .gemv: "gemv"
    case .attentionPrefill: "attention_prefill"
    case .attentionDecode: "attention_decode"
    case .linearAttention: "linear_attention"
    case .gate: "gate"
    case .elementwise: "elementwise"
    case .embedding: "embedding"
    case .copy: "copy"
    }
  }
}

extension TimingLaws {
  /// Reads the mapping under `timing` of a device's profile over `standard`.
  ///
  /// ```yaml
  /// timing:
  ///   source: fitted to 1,800 measured products, h100_sxm
  ///   residuals: {median: 4.1%, p90: 11%, points: 600}
  ///   gemm:
  ///     compute_efficiency: 0.93
  ///     rows_half: 24
  ///     tile_rows: 16
  ///     memory_efficiency: 0.95
  ///     ramp: 0.8 us
  ///     launch: 0 s
  ///     fp8: {compute_efficiency: 0.81}    # this class departs from the family
  /// ```
  ///
  /// A key that is absent keeps its standard value. Wrong values and unknown keys are reported to
  /// `collector`.
  public static func read(
    _ node: ConfigurationNode, over standard: TimingLaws, into collector: DiagnosticCollector
  ) -> TimingLaws {
    var laws = standard
    let reader = MappingReader(node, into: collector)
    laws.source = reader.requiredString("source")
    laws.residuals = reader.mapping("residuals").map { residuals in
      defer { residuals.finish() }
      return Residuals(
        median: residuals.requiredQuantity("median", .fraction, in: 0...1e6),
        p90: residuals.requiredQuantity("p90", .fraction, in: 0...1e6),
        points: residuals.requiredInt("points", in: 1...Int.max))
    }
    for family in KernelFamily.allCases {
      guard let entry = reader.mapping(family.name) else { continue }
      for computeClass in ComputeClass.allCases {
        laws[family, computeClass].apply(entry)
      }
      for computeClass in ComputeClass.allCases {
        guard let inner = entry.mapping(computeClass.name) else { continue }
        laws[family, computeClass].apply(inner)
        inner.finish()
      }
      entry.finish()
    }
    reader.finish()
    return laws
  }
}

extension FamilyLaw {
  /// Takes the parameters that `reader` has.
  fileprivate mutating func apply(_ reader: MappingReader) {
    let share = 1e-4...1.0
    if let value = reader.quantity("compute_efficiency", .fraction, in: share) {
      computeEfficiency = value
    }
    if let value = reader.double("rows_half", in: 0...1e6) { rowsHalf = value }
    if let value = reader.double("tile_rows", in: 0...4_096) { tileRows = value }
    if let value = reader.quantity("memory_efficiency", .fraction, in: share) {
      memoryEfficiency = value
    }
    if let value = reader.quantity("ramp", .seconds, in: 0...1) { ramp = value }
    if let value = reader.quantity("launch", .seconds, in: 0...1) { launch = value }
    if let value = reader.double("overlap_loss", in: 0...4) { overlapLoss = value }
    if let value = reader.quantity("depth_latency", .seconds, in: 0...1) { depthLatency = value }
    if let value = reader.quantity("row_latency", .seconds, in: 0...1) { rowLatency = value }
    if let value = reader.double("cache_speed", in: 1...100) { cacheSpeed = value }
    if let value = reader.double("cache_share", in: 0.001...10) { cacheShare = value }
  }
}
