// SPDX-License-Identifier: GPL-3.0-or-later

extension ProcessorMeasurement {
  /// Bytes that a batch of experts' vectors needs, at most.
  private func batchBytes(_ tokens: Int, _ shape: ExpertShape) -> Int {
    tokens * (2 * shape.hidden + 5 * shape.width) * 4
  }

  /// Products of an expert's two shapes, and the expert whole, in one precision.
  func expertGroup(_ shape: ExpertShape, _ library: ComputeLibrary) -> MeasurementGroup {
    var rows: [KernelMeasurement] = []
    for threads in settings.threads {
      for tokens in tokenCounts {
        for (n, k) in [(2 * shape.width, shape.hidden), (shape.hidden, shape.width)] {
          var row = point(tokens == 1 ? .gemv : .gemm, by: library.name, threads: threads)
          row.m = tokens
          row.n = n
          row.k = k
          row.precision = library.precision.rawValue
          rows.append(row)
        }
        var row = point(.fusedExperts, by: library.name, threads: threads)
        row.tokens = tokens
        row.experts = 1
        row.activated = 1
        row.topK = 1
        row.hidden = shape.hidden
        row.width = shape.width
        row.precision = library.precision.rawValue
        row.distribution = "balanced"
        rows.append(row)
      }
    }
    let title = "experts of \(shape.hidden) by \(shape.width) in \(library.precision.rawValue)"
    return MeasurementGroup(title: title, rows: rows) { session, wanted in
      session.source = "moesim calibrate measure --on cpu, \(library.detail)"
      for threads in settings.threads {
        let some = wanted.filter { $0.threads == threads }
        if some.isEmpty || session.isOver { continue }
        try library.setThreads(threads)
        try RoutineCheck.expert(library, ExpertShape(hidden: 96, width: 160), tokens: 5)
        try measureExperts(shape, library, some, session)
      }
    }
  }

  private func measureExperts(
    _ shape: ExpertShape, _ library: ComputeLibrary, _ rows: [KernelMeasurement],
    _ session: MeasurementSession
  ) throws {
    let expertBytes = 3 * shape.hidden * shape.width * library.precision.weightBytes
    let workingSet = max(expertBytes, coldBytes + expertBytes)
    let fitting = rows.filter {
      workingSet + 2 * batchBytes($0.tokens ?? $0.m ?? 1, shape) <= settings.memory
    }
    if fitting.count < rows.count {
      session.leaveOut(rows.count - fitting.count, because: "they need more than --budget-memory")
    }
    guard let most = fitting.map({ $0.tokens ?? $0.m ?? 1 }).max() else { return }
    let network = try ExpertNetwork(
      library, hidden: shape.hidden, width: shape.width, maximumTokens: most)
    if 3 * shape.hidden * shape.width <= 30 << 20 {
      try RoutineCheck.expert(library, shape, tokens: 1)
    }
    let experts = try RotatingMemory(bytes: network.bytes, cold: coldBytes)
    try network.fill(experts.memory.base, seed: 1)
    experts.spread()
    let input = try LockableMemory(bytes: 4 * most * max(shape.hidden, shape.width))
    let output = try LockableMemory(bytes: 4 * most * max(shape.hidden, 2 * shape.width))
    RandomValues.fill(input.values(of: Float.self), count: input.count / 4, seed: 2)
    // Times of the batch before, by kernel and columns, to tell beforehand what would take too long.
    var last: [String: (tokens: Int, median: Double)] = [:]
    for row in fitting where !session.isOver {
      let tokens = row.tokens ?? row.m ?? 1
      let family = row.kernel == .fusedExperts ? "expert" : "\(row.n ?? 0)"
      if let before = last[family] {
        let expected = before.median * Double(tokens) / Double(before.tokens)
        let repeats = Double(settings.minimumRepeats + 2)
        if before.tokens >= 64, expected * repeats > 10 * settings.secondsPerPoint {
          session.leaveOut(1, because: "they would take over ten times the time of a point")
          continue
        }
      }
      let median: Double?
      if row.kernel == .fusedExperts {
        try network.prepare(tokens: tokens)
        median = try session.measure(row) {
          try network.run(
            expert: experts.next(), tokens: tokens, vectors: input.values(of: Float.self),
            output: output.values(of: Float.self))
        }
      } else {
        median = try measureProduct(row, library, experts.memory, input, output, session)
      }
      if let median { last[family] = (tokens, median) }
    }
  }

  /// A product whose weights are anywhere in the memory of experts, all of which is weights.
  private func measureProduct(
    _ row: KernelMeasurement, _ library: ComputeLibrary, _ memory: LockableMemory,
    _ input: LockableMemory, _ output: LockableMemory, _ session: MeasurementSession
  ) throws -> Double? {
    let product = try MatrixProduct(
      library, rows: row.m ?? 1, columns: row.n ?? 1, depth: row.k ?? 1)
    let stride = (product.weightBytes + 4095) / 4096 * 4096
    let copies = max(1, memory.count / stride)
    var at = 0
    return try session.measure(row) {
      at = at + 1 == copies ? 0 : at + 1
      try product.run(
        input: input.base, weights: memory.base + at * stride, output: output.base)
    }
  }
}
