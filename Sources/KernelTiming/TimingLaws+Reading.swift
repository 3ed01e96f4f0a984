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
  /// Beside families stand lists of laws that were fitted: `attention`, `collectives`
  /// (`CollectiveLaw`) and `latent_attention` (`LatentAttentionLaw`):
  ///
  /// ```yaml
  ///   collectives:
  ///     - {pattern: ring, link_efficiency: 0.58, launch: 4.9 us, ramp_bytes: 14 MB}
  ///   latent_attention:
  ///     - {kernel: flash, weights: bf16, cache: fp8, launch: 77 us}
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
    laws.residuals = reader.mapping("residuals").map { Residuals($0) }
    for family in KernelFamily.allCases {
      guard let entry = reader.mapping(family.name) else { continue }
      for computeClass in ComputeClass.allCases {
        laws[family, computeClass].apply(entry)
      }
      for computeClass in ComputeClass.allCases {
        for storage in KernelSet.Storage.allCases {
          guard let inner = entry.mapping(name(of: computeClass, storage)) else { continue }
          laws[family, computeClass, storage].apply(inner)
          inner.finish()
        }
      }
      entry.finish()
    }
    for node in reader.sequence("attention") {
      let entry = MappingReader(node, into: collector)
      AttentionLaw.read(entry).map { laws.attention.append($0) }
      entry.finish()
    }
    for node in reader.sequence("collectives") {
      let entry = MappingReader(node, into: collector)
      laws.collectives.append(CollectiveLaw.read(entry))
      entry.finish()
    }
    for node in reader.sequence("latent_attention") {
      let entry = MappingReader(node, into: collector)
      laws.latentAttention.append(LatentAttentionLaw.read(entry))
      entry.finish()
    }
    reader.finish()
    return laws
  }

  /// How a class on weights stored in a way is named in files: "fp8", "fp16_packed".
  public static func name(of computeClass: ComputeClass, _ storage: KernelSet.Storage) -> String {
    computeClass.name + (storage == .plain ? "" : "_\(storage.name)")
  }
}

extension KernelSet.Storage {
  /// The name in files.
  public var name: String {
    switch self {
    case .plain: "plain"
    case .packed: "packed"
    case .sparse: "sparse"
    }
  }
}

extension TimingLaws.Entry {
  /// Takes the parameters, the grid and the residuals that `reader` has.
  fileprivate mutating func apply(_ reader: MappingReader) {
    law.apply(reader)
    if let grid = reader.mapping("grid") { self.grid = KernelGrid.read(grid) ?? self.grid }
    if let residuals = reader.mapping("residuals") {
      self.residuals = TimingLaws.Residuals(residuals)
    }
  }
}

extension TimingLaws.Residuals {
  /// Reads residuals, all keys of the mapping.
  init(_ reader: MappingReader) {
    self.init(
      median: reader.requiredQuantity("median", .fraction, in: 0...1e6),
      p90: reader.requiredQuantity("p90", .fraction, in: 0...1e6),
      points: reader.requiredInt("points", in: 1...Int.max))
    reader.finish()
  }
}

extension KernelGrid {
  /// Reads a grid, all keys of the mapping; `nil` after reporting what is wrong.
  static func read(_ reader: MappingReader) -> KernelGrid? {
    defer { reader.finish() }
    var axes: [Axis] = []
    for node in reader.sequence("axes") {
      let entry = MappingReader(node, into: reader.collector)
      let feature = entry.requiredChoice("along", among: Feature.allCases.map(\.rawValue))
      let start = entry.requiredDouble("from", in: -60...60)
      let step = entry.requiredDouble("step", in: 0.01...60)
      let count = entry.requiredInt("count", in: 2...1_000)
      entry.finish()
      guard let feature = Feature(rawValue: feature) else { return nil }
      axes.append(Axis(feature, from: start, step: step, count: count))
    }
    guard (1...3).contains(axes.count) else {
      reader.report("axes", "expected one to three axes; found \(axes.count)")
      return nil
    }
    let factors = reader.sequence("factors").compactMap { node in
      node.read(into: reader.collector) { $0.quantity(.count, in: 0.001...1_000) }
    }
    let nodes = axes.reduce(1) { $0 * $1.count }
    guard factors.count == nodes else {
      reader.report("factors", "expected \(nodes), one for each node; found \(factors.count)")
      return nil
    }
    return KernelGrid(axes: axes, factors: factors)
  }
}

extension AttentionLaw {
  /// Reads a law of attention, all keys but those of others; `nil` after reporting what is wrong.
  static func read(_ reader: MappingReader) -> AttentionLaw? {
    let kernel = reader.requiredChoice("kernel", among: Kernel.allCases.map(\.rawValue))
    let phase = reader.requiredChoice("phase", among: ["prefill", "decode"])
    guard let kernel = Kernel(rawValue: kernel) else { return nil }
    var law = AttentionLaw(kernel: kernel, isDecode: phase == "decode")
    if let isNarrow = reader.bool("narrow_cache") { law.isNarrow = isNarrow }
    for (name, path) in shares {
      if let value = reader.double(name, in: 1e-6...1e6) { law[keyPath: path] = value }
    }
    for (name, path) in times {
      if let value = reader.quantity(name, .seconds, in: 0...1) { law[keyPath: path] = value }
    }
    law.residuals = reader.mapping("residuals").map { TimingLaws.Residuals($0) }
    law.grid = reader.mapping("grid").flatMap { KernelGrid.read($0) }
    return law
  }

  /// Parameters without a unit, by their names in files.
  public static let shares:
    [(name: String, path: WritableKeyPath<AttentionLaw, Double> & Sendable)] = [
      ("compute_efficiency", \.computeEfficiency), ("alone_efficiency", \.aloneEfficiency),
      ("memory_efficiency", \.memoryEfficiency), ("query_efficiency", \.queryEfficiency),
      ("softmax_columns", \.softmaxColumns), ("skew", \.skew), ("cache_speed", \.cacheSpeed),
      ("cache_share", \.cacheShare),
    ]

  /// Parameters in seconds.
  public static let times:
    [(name: String, path: WritableKeyPath<AttentionLaw, Double> & Sendable)] = [
      ("launch", \.launch), ("tile_time", \.tileTime), ("ramp", \.ramp),
      ("token_time", \.tokenTime), ("join_time", \.joinTime),
    ]
}

extension FamilyLaw {
  /// Takes the parameters that `reader` has.
  fileprivate mutating func apply(_ reader: MappingReader) {
    // Shares are of the achievable rates; a measured kernel may pass what a profile calls achievable, and
    // one whose operands lie in a cache that of the memory by far.
    let share = 1e-4...2.0
    if let value = reader.quantity("compute_efficiency", .fraction, in: share) {
      computeEfficiency = value
    }
    if let value = reader.double("rows_half", in: 0...1e6) { rowsHalf = value }
    if let value = reader.double("tile_rows", in: 0...4_096) { tileRows = value }
    if let value = reader.quantity("memory_efficiency", .fraction, in: 1e-4...50) {
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
