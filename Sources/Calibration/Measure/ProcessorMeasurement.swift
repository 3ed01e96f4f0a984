// SPDX-License-Identifier: GPL-3.0-or-later

/// What a processor takes for the parts of a layer: products of experts' shapes and whole experts with
/// weights that no cache holds, attention of one token, loops between, the gate, and a parallel section
/// that does nothing.
public struct ProcessorMeasurement {
  let machine: MachineDescription
  let settings: MeasurementSettings

  /// Prepares the measurement.
  public init(machine: MachineDescription, settings: MeasurementSettings) {
    self.machine = machine
    self.settings = settings
  }

  var shapes: [ExpertShape] { settings.isQuick ? ExpertShape.quick : ExpertShape.all }

  /// Tokens of a batch.
  var tokenCounts: [Int] {
    settings.isQuick
      ? [1, 4, 16, 64, 256] : [1, 2, 3, 4, 6, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
  }

  /// Bytes through which weights are rotated, at least.
  var coldBytes: Int { 4 * machine.lastLevelCache }

  /// The points; those of precisions whose library is absent are not among them.
  ///
  /// - Parameter complain: Told of each library that is absent.
  public func groups(complain: (String) -> Void) -> [MeasurementGroup] {
    var groups = [launchGroup(), elementGroup()]
    var hasOpenBLAS = false
    for precision in ComputePrecision.native(flags: machine.flags) {
      do {
        let library = try ComputeLibrary(precision: precision, threads: 1)
        hasOpenBLAS = hasOpenBLAS || precision == .float32
        groups += shapes.map { expertGroup($0, library) }
      } catch {
        complain("\(error)")
      }
    }
    groups += attentionGroups()
    if hasOpenBLAS { groups.append(gateGroup()) }
    return groups
  }

  func point(
    _ kernel: MeasuredKernel, by implementation: String, threads: Int
  ) -> KernelMeasurement {
    var row = KernelMeasurement(point: kernel, on: machine.processor, by: implementation)
    row.threads = threads
    return row
  }

  private func launchGroup() -> MeasurementGroup {
    let rows = settings.threads.map { point(.launch, by: "moesim_pool", threads: $0) }
    return MeasurementGroup(title: "launch", rows: rows) { session, wanted in
      session.source = "moesim calibrate measure --on cpu"
      for row in wanted {
        let pool = try ThreadPool(threads: row.threads ?? 1)
        try session.measure(row) { pool.runEmpty() }
      }
    }
  }

  private func elementGroup() -> MeasurementGroup {
    var rows: [KernelMeasurement] = []
    for tokens in settings.isQuick ? [1, 16, 256] : [1, 4, 16, 64, 256, 1024] {
      for hidden in [512, 2048, 4096, 7168] {
        for name in ["moesim_rms_norm", "moesim_silu_multiply", "moesim_add_scaled"] {
          var row = point(.elementwise, by: name, threads: 1)
          row.tokens = tokens
          row.hidden = hidden
          row.precision = "fp32"
          rows.append(row)
        }
      }
    }
    return MeasurementGroup(title: "loops over vectors", rows: rows) { session, wanted in
      session.source = "moesim calibrate measure --on cpu"
      try RoutineCheck.elementLoops()
      let most = wanted.map { ($0.tokens ?? 1) * ($0.hidden ?? 1) }.max() ?? 1
      let arrays = try (0..<3).map { _ in try LockableMemory(bytes: 4 * most) }
      let values = arrays.map { $0.values(of: Float.self) }
      for index in 0..<2 { RandomValues.fill(values[index], count: most, seed: UInt64(index)) }
      for row in wanted {
        let (tokens, hidden) = (row.tokens ?? 1, row.hidden ?? 1)
        try session.measure(row) {
          switch row.implementation {
          case "moesim_rms_norm":
            ElementLoops.rootMeanSquareNorm(
              values[0], weight: values[1], output: values[2], rows: tokens, width: hidden)
          case "moesim_silu_multiply":
            ElementLoops.siluMultiply(
              gate: values[0], up: values[1], output: values[2], count: tokens * hidden)
          default:
            ElementLoops.addScaled(values[0], scale: 1e-6, to: values[2], count: tokens * hidden)
          }
        }
      }
    }
  }

  private func gateGroup() -> MeasurementGroup {
    let gates: [(experts: Int, topK: Int, hidden: Int)] = [
      (8, 2, 4096),  // Mixtral-8x7B
      (32, 4, 2880),  // gpt-oss-20b
      (64, 6, 2048),  // DeepSeek-V2-Lite
      (128, 8, 2048),  // Qwen3-30B-A3B
      (256, 8, 7168),  // DeepSeek-V3
    ]
    var rows: [KernelMeasurement] = []
    for threads in settings.threads {
      for gate in gates {
        for tokens in settings.isQuick ? [1, 16] : [1, 4, 16, 64, 256] {
          var row = point(.gate, by: "openblas", threads: threads)
          row.tokens = tokens
          row.experts = gate.experts
          row.topK = gate.topK
          row.hidden = gate.hidden
          row.precision = "fp32"
          rows.append(row)
        }
      }
    }
    return MeasurementGroup(title: "gate", rows: rows) { session, wanted in
      for row in wanted where !session.isOver {
        let library = try ComputeLibrary(precision: .float32, threads: row.threads ?? 1)
        session.source = "moesim calibrate measure --on cpu, \(library.detail)"
        let (tokens, experts, hidden) = (row.tokens ?? 1, row.experts ?? 1, row.hidden ?? 1)
        let gate = try ExpertGate(
          library, hidden: hidden, experts: experts, topK: row.topK ?? 1, maximumTokens: tokens)
        // Gates of all layers take turns, as in a model; few enough to be in the last-level cache are
        // read from there in a model too.
        let copies = max(1, min(64, coldBytes / (4 * experts * hidden)))
        let weights = try RotatingMemory(bytes: 4 * experts * hidden, copies: copies)
        for copy in 0..<copies {
          RandomValues.fill(
            weights.values(copy), count: experts * hidden, seed: UInt64(copy), scale: 0.05)
        }
        let vectors = try LockableMemory(bytes: 4 * tokens * hidden)
        RandomValues.fill(vectors.values(of: Float.self), count: tokens * hidden, seed: 9)
        try RoutineCheck.gate(gate, weights: weights.values(0), vectors: vectors, tokens: tokens)
        try session.measure(row) {
          try gate.run(
            weights: weights.next(), tokens: tokens, vectors: vectors.values(of: Float.self))
        }
      }
    }
  }
}
