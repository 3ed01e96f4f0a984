// SPDX-License-Identifier: GPL-3.0-or-later

/// Passes over this machine's memory: copies, pageable and locked, and triads, by size and threads.
public struct MemoryMeasurement {
  private let machine: MachineDescription
  private let settings: MeasurementSettings

  /// Prepares the measurement.
  public init(machine: MachineDescription, settings: MeasurementSettings) {
    self.machine = machine
    self.settings = settings
  }

  /// Sizes of an array [bytes], as many as the memory allows; a triad needs three of them.
  var sizes: [Int] {
    let all = stride(from: 16, through: 30, by: settings.isQuick ? 2 : 1).map { 1 << $0 }
    return all.filter { 3 * $0 <= settings.memory }
  }

  /// The points.
  public func groups() -> [MeasurementGroup] {
    settings.threads.map { threads in
      var rows: [KernelMeasurement] = []
      for size in sizes {
        for isLocked in [false, true] {
          var row = point(.copy, "memcpy", threads)
          row.bytes = size
          row.direction = "h2h"
          row.pinned = isLocked
          rows.append(row)
        }
        for (name, arrays) in [("triad", 3), ("read", 1)] {
          var row = point(.stream, name, threads)
          row.bytes = arrays * size
          rows.append(row)
        }
      }
      return MeasurementGroup(title: "memory, \(threads) threads", rows: rows) { session, wanted in
        try run(session, wanted, threads: threads)
      }
    }
  }

  private func point(
    _ kernel: MeasuredKernel, _ name: String, _ threads: Int
  ) -> KernelMeasurement {
    var row = KernelMeasurement(point: kernel, on: machine.processor, by: name)
    row.threads = threads
    return row
  }

  private func run(
    _ session: MeasurementSession, _ rows: [KernelMeasurement], threads: Int
  ) throws {
    session.source = "moesim calibrate measure --on memory"
    let pool = try ThreadPool(threads: threads)
    try Self.check(pool)
    let largest = sizes.last ?? 0
    let arrays = try (0..<3).map { _ in try LockableMemory(bytes: largest) }
    for row in rows where row.pinned != true {
      let bytes = row.bytes ?? 0
      try session.measure(row) { pass(row, bytes, arrays, pool) }
    }
    let locked = rows.filter { $0.pinned == true }
    if locked.isEmpty { return }
    do {
      try arrays[0].lock()
      try arrays[1].lock()
    } catch let error as ComputeError {
      session.leaveOut(locked.count, because: "\(error)")
      return
    }
    for row in locked {
      try session.measure(row) { pass(row, row.bytes ?? 0, arrays, pool) }
    }
  }

  private func pass(
    _ row: KernelMeasurement, _ bytes: Int, _ arrays: [LockableMemory], _ pool: ThreadPool
  ) {
    switch row.implementation {
    case "triad":
      pool.triad(
        arrays[0].values(of: Float.self), arrays[1].values(of: Float.self),
        arrays[2].values(of: Float.self), count: bytes / 12)
    case "read": Self.consume(pool.read(bytes, from: arrays[1].base))
    default: pool.copy(bytes, from: arrays[1].base, to: arrays[0].base)
    }
  }

  /// Keeps a result from being optimised away.
  @inline(never) private static func consume(_ value: UInt64) {}

  /// The time of a read of 256 MiB, or what the memory allows, on all threads [s].
  public func reference() throws -> () throws -> Double {
    let bytes = min(256 << 20, settings.memory)
    let memory = try LockableMemory(bytes: bytes)
    let pool = try ThreadPool(threads: machine.threads)
    return {
      let begin = DriveReader.now
      Self.consume(pool.read(bytes, from: memory.base))
      return DriveReader.now - begin
    }
  }

  /// Compares the passes with plain loops.
  static func check(_ pool: ThreadPool) throws {
    let count = 10_007
    let b = (0..<count).map { Float($0 % 101) }
    let c = (0..<count).map { Float($0 % 37) }
    var a = [Float](repeating: -1, count: count)
    pool.triad(&a, b, c, count: count)
    var copied = [Float](repeating: -1, count: count)
    pool.copy(4 * count, from: b, to: &copied)
    let words = (0..<count).map(UInt64.init)
    guard (0..<count).allSatisfy({ a[$0] == b[$0] + 3 * c[$0] }), copied == b,
      pool.read(8 * count, from: words) == UInt64(count * (count - 1) / 2)
    else { throw ComputeError("passes over memory on \(pool.threads) threads are wrong") }
  }
}
