// SPDX-License-Identifier: GPL-3.0-or-later

/// Direct reads of a drive: in sequence and at random places, in requests of several sizes with several
/// under way, and of whole experts in pieces.
public struct DriveMeasurement {
  /// Bytes of a piece of an expert.
  static let chunk = 1 << 20

  private let file: DriveFile
  private let device: String
  private let settings: MeasurementSettings

  /// Prepares the measurement of a file.
  public init(file: DriveFile, settings: MeasurementSettings) {
    self.file = file
    self.settings = settings
    device = MachineDescription.drive(of: settings.folder)
  }

  static let depths = [1, 2, 4, 8, 16, 32]

  /// Bytes of a request, of which several are under way.
  static let requests = [4 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20]

  /// Bytes of an expert that is read in pieces.
  var experts: [Int] {
    [1 << 20, 4 << 20, 16 << 20, 64 << 20, 256 << 20].filter {
      $0 <= file.bytes / 4 && $0 <= settings.memory / 2
    }
  }

  /// The points.
  public func groups() -> [MeasurementGroup] {
    Self.depths.filter { !settings.isQuick || [1, 4, 16].contains($0) }.map { depth in
      var rows: [KernelMeasurement] = []
      for bytes in Self.requests {
        for pattern in ["pread_sequential", "pread_random"] {
          rows.append(point(pattern, bytes, depth))
        }
      }
      for bytes in experts where bytes > Self.chunk && depth <= bytes / Self.chunk {
        var row = point("pread_random", bytes, depth)
        row.chunk = Self.chunk
        rows.append(row)
      }
      return MeasurementGroup(title: "drive, depth \(depth)", rows: rows) { session, wanted in
        session.source = "moesim calibrate measure --on drive, O_DIRECT by a thread per read"
        let reader = try DriveReader(path: file.path, depth: depth)
        for row in wanted where !session.isOver {
          let times =
            row.chunk == nil
            ? try requestTimes(row, reader, session) : try expertTimes(row, reader, session)
          try session.record(row, times: times)
        }
      }
    }
  }

  private func point(_ pattern: String, _ bytes: Int, _ depth: Int) -> KernelMeasurement {
    var row = KernelMeasurement(point: .read, on: device, by: pattern)
    row.bytes = bytes
    row.queueDepth = depth
    return row
  }

  /// Places in the file, multiples of a size: all in turn, or all in an order that jumps.
  struct Places {
    let count: Int
    let size: Int
    let step: Int
    var at: Int

    /// - Parameter start: Where to begin, so that points don't all read the same part first.
    init(fileBytes: Int, size: Int, isRandom: Bool, start: Int) {
      count = fileBytes / size
      self.size = size
      at = start % count
      // A step by about the golden section that has no divisor with the count visits every place.
      var step = isRandom ? max(1, Int(Double(count) * 0.618)) : 1
      while Self.divisor(step, count) != 1 { step += 1 }
      self.step = step
    }

    private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }

    mutating func next() -> Int {
      defer { at = (at + step) % count }
      return at * size
    }
  }

  private func places(_ row: KernelMeasurement, _ session: MeasurementSession) -> Places {
    Places(
      fileBytes: file.bytes, size: row.bytes ?? 1, isRandom: row.implementation == "pread_random",
      start: session.timed.count &* 7919)
  }

  private func requestTimes(
    _ row: KernelMeasurement, _ reader: DriveReader, _ session: MeasurementSession
  ) throws -> [Double] {
    let (bytes, depth) = (row.bytes ?? 0, row.queueDepth ?? 1)
    let buffer = try LockableMemory(bytes: bytes * depth)
    var places = places(row, session)
    var waiting: [DriveReader.Request] = []
    func submit(_ slot: Int) {
      let request = reader.submit(
        offset: places.next(), length: bytes, into: buffer.base + slot * bytes)
      if waiting.count > slot { waiting[slot] = request } else { waiting.append(request) }
    }
    for slot in 0..<depth { submit(slot) }
    var times: [Double] = []
    let end = DriveReader.now + session.settings.secondsPerPoint
    let fewest = session.settings.minimumRepeats * depth
    var slot = 0
    var finished = 0
    // The oldest request is waited for and followed by another; the first of each slot warms up.
    while finished < depth + session.settings.maximumRepeats {
      let time = try reader.wait(for: waiting[slot])
      finished += 1
      if finished > depth { times.append(time.ended - time.began) }
      submit(slot)
      slot = (slot + 1) % depth
      if times.count >= fewest, DriveReader.now > end { break }
    }
    for request in waiting { try reader.wait(for: request) }
    return times
  }

  private func expertTimes(
    _ row: KernelMeasurement, _ reader: DriveReader, _ session: MeasurementSession
  ) throws -> [Double] {
    let bytes = row.bytes ?? 0
    let buffer = try LockableMemory(bytes: bytes)
    var places = places(row, session)
    var times: [Double] = []
    let end = DriveReader.now + session.settings.secondsPerPoint
    for repetition in 0...session.settings.maximumRepeats {
      let request = reader.submit(
        offset: places.next(), length: bytes, into: buffer.base, chunk: row.chunk)
      let time = try reader.wait(for: request)
      if repetition > 0 { times.append(time.ended - time.submitted) }
      if times.count >= session.settings.minimumRepeats, DriveReader.now > end { break }
    }
    return times
  }

  /// The time of a read of 128 MiB in pieces, eight at once, each time of another part of the file [s].
  public func reference() throws -> () throws -> Double {
    let bytes = min(128 << 20, file.bytes)
    let buffer = try LockableMemory(bytes: bytes)
    let reader = try DriveReader(path: file.path, depth: 8)
    var places = Places(fileBytes: file.bytes, size: bytes, isRandom: false, start: 0)
    return {
      let request = reader.submit(
        offset: places.next(), length: bytes, into: buffer.base, chunk: Self.chunk)
      let times = try reader.wait(for: request)
      return times.ended - times.submitted
    }
  }
}
