// SPDX-License-Identifier: GPL-3.0-or-later

extension ProcessorMeasurement {
  private static let heads: [(heads: Int, keyHeads: Int, size: Int)] = [
    (32, 8, 128),  // Mixtral-8x7B
    (16, 16, 128),  // OLMoE-1B-7B
    (64, 8, 64),  // gpt-oss-20b
    (32, 4, 128),  // Qwen3-30B-A3B
  ]

  /// Attention of one token over past keys and values that no cache holds.
  func attentionGroups() -> [MeasurementGroup] {
    let shapes = settings.isQuick ? Array(Self.heads.prefix(2)) : Self.heads
    return shapes.flatMap { shape in
      [true, false].map { isBFloat16 in
        var rows: [KernelMeasurement] = []
        for threads in settings.threads {
          for batch in settings.isQuick ? [1, 8] : [1, 4, 16, 64] {
            for past in settings.isQuick ? [128, 1024, 4096] : [128, 512, 2048, 8192, 32768] {
              var row = point(.attentionDecode, by: "moesim", threads: threads)
              row.batch = batch
              row.heads = shape.heads
              row.kvHeads = shape.keyHeads
              row.headSize = shape.size
              row.past = past
              row.precision = "fp32"
              row.kvPrecision = isBFloat16 ? "bf16" : "fp32"
              rows.append(row)
            }
          }
        }
        let title = "attention of \(shape.heads) and \(shape.keyHeads) heads"
        return MeasurementGroup(title: title, rows: rows) { session, wanted in
          session.source = "moesim calibrate measure --on cpu"
          try measureAttention(wanted, isBFloat16: isBFloat16, session)
        }
      }
    }
  }

  private func measureAttention(
    _ rows: [KernelMeasurement], isBFloat16: Bool, _ session: MeasurementSession
  ) throws {
    func bytes(_ row: KernelMeasurement) -> Int {
      (row.batch ?? 1) * (row.kvHeads ?? 1) * (row.past ?? 1) * (row.headSize ?? 1)
        * (isBFloat16 ? 2 : 4)
    }
    let fitting = rows.filter { 2 * bytes($0) + coldBytes <= settings.memory }
    if fitting.count < rows.count {
      session.leaveOut(rows.count - fitting.count, because: "they need more than --budget-memory")
    }
    guard let most = fitting.map(bytes).max() else { return }
    // Keys and values anywhere in one memory, each time at the next place.
    let memory = try LockableMemory(bytes: max(2 * most, coldBytes))
    RandomValues.fill(memory.values(of: Float.self), count: memory.count / 4, seed: 3)
    var pool = try ThreadPool(threads: 1)
    try RoutineCheck.attention(pool)
    for row in fitting where !session.isOver {
      if pool.threads != row.threads ?? 1 {
        pool = try ThreadPool(threads: row.threads ?? 1)
        try RoutineCheck.attention(pool)
      }
      let (batch, heads, past) = (row.batch ?? 1, row.heads ?? 1, row.past ?? 1)
      let attention = try DecodeAttention(
        pool, batch: batch, heads: heads, keyHeads: row.kvHeads ?? 1, headSize: row.headSize ?? 1,
        capacity: past, isBFloat16: isBFloat16)
      let count = batch * heads * (row.headSize ?? 1)
      let queries = try LockableMemory(bytes: 4 * count)
      let output = try LockableMemory(bytes: 4 * count)
      RandomValues.fill(queries.values(of: Float.self), count: count, seed: 4)
      let size = bytes(row)
      let places = max(1, memory.count / (2 * size))
      var at = 0
      try session.measure(row) {
        at = at + 1 == places ? 0 : at + 1
        let keys = memory.base + at * 2 * size
        attention.run(
          past: past, queries: queries.values(of: Float.self), keys: keys, values: keys + size,
          output: output.values(of: Float.self))
      }
    }
  }
}
