// SPDX-License-Identifier: GPL-3.0-or-later

/// The project's binary format of routing traces; `docs/routing-format.md` describes it.
enum MoesimRoutingFormat {
  static let name = "moesim"
  static let magic = Array("MOESIMRT".utf8)
  static let version: UInt16 = 1
  static let headerBytes = 128
  static let indexEntryBytes = 32

  static func isMagic(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= magic.count && bytes.prefix(magic.count).elementsEqual(magic)
  }

  /// Opens a file: checks its header, its index and that all that they name is within the file.
  static func records(_ file: MappedFile) throws -> RoutingRecords {
    func failure(_ byte: Int, _ message: String) -> RoutingTraceError {
      RoutingTraceError(file: file.path, place: .byte(byte), message: message)
    }
    let size = file.bytes.count
    if !isMagic(file.bytes) { throw failure(0, "the mark MOESIMRT is expected") }
    if size < headerBytes {
      throw failure(size, "\(size) bytes; a header of \(headerBytes) is expected")
    }
    let found = file.integer(UInt16.self, at: 8)
    if found != version { throw failure(8, "version \(found); \(version) is known") }
    let header = file.integer(UInt16.self, at: 10)
    if Int(header) != headerBytes {
      throw failure(10, "a header of \(header) bytes; \(headerBytes) is expected")
    }
    let width = file.bytes[12]
    guard width == 1 || width == 2 else {
      throw failure(12, "\(width) bytes an expert; 1 or 2 is expected")
    }
    guard let weights = RoutingRecords.WeightKind(rawValue: file.bytes[13]) else {
      throw failure(13, "weights of kind \(file.bytes[13]); 0, 1 or 2 is expected")
    }
    if file.bytes[14] > 1 || file.bytes[15] != 0 { throw failure(14, "unknown flags") }
    let shape = RoutingShape(
      layers: Int(file.integer(UInt32.self, at: 16)),
      experts: Int(file.integer(UInt32.self, at: 20)),
      topK: Int(file.integer(UInt32.self, at: 24)))
    if let problem = shape.problem { throw failure(16, problem) }
    if width == 1 && shape.experts > 256 {
      throw failure(12, "\(shape.experts) experts do not fit in 1 byte each")
    }
    let record = shape.layers * shape.topK * (Int(width) + weights.bytes)
    if Int(file.integer(UInt32.self, at: 28)) != record {
      throw failure(
        28, "records of \(file.integer(UInt32.self, at: 28)) bytes; \(record) is expected")
    }
    func section(_ at: Int, _ offset: UInt64, _ count: UInt64, of bytes: Int, _ what: String)
      throws -> Int
    {
      let (length, overflows) = count.multipliedReportingOverflow(by: UInt64(bytes))
      if overflows || length > UInt64(size) || offset > UInt64(size) - length
        || offset < UInt64(headerBytes)
      {
        throw failure(
          at,
          "\(count) \(what) of \(bytes) bytes at byte \(offset) of a file of \(size) bytes"
            + " (is it truncated?)")
      }
      return Int(offset)
    }
    let tokens = file.integer(UInt64.self, at: 32)
    let count = file.integer(UInt64.self, at: 40)
    let start = try section(48, file.integer(UInt64.self, at: 48), tokens, of: record, "records")
    let index = try section(
      56, file.integer(UInt64.self, at: 56), count, of: indexEntryBytes, "sequences")
    var expertBytes: [Int64]?
    let sizesAt = file.integer(UInt64.self, at: 64)
    if sizesAt != 0 {
      let at = try section(64, sizesAt, UInt64(shape.layers), of: 8, "expert sizes")
      let sizes = (0..<shape.layers).map { file.integer(Int64.self, at: at + 8 * $0) }
      if let wrong = sizes.firstIndex(where: { $0 <= 0 || $0 > 1 << 50 }) {
        throw failure(at + 8 * wrong, "experts of \(sizes[wrong]) bytes in layer \(wrong)")
      }
      expertBytes = sizes
    }
    _ = try section(
      72, file.integer(UInt64.self, at: 72), file.integer(UInt64.self, at: 80), of: 1,
      "characters of the origin")
    let sequences = try readIndex(file, at: index, count: Int(count), tokens: tokens)
    return RoutingRecords(
      file: file, start: start, shape: shape, isWide: width == 2, weightKind: weights,
      isRanked: file.bytes[14] == 1, expertBytes: expertBytes, sequences: sequences)
  }

  private static func readIndex(_ file: MappedFile, at index: Int, count: Int, tokens: UInt64)
    throws -> [RoutingRecords.Sequence]
  {
    var sequences: [RoutingRecords.Sequence] = []
    sequences.reserveCapacity(count)
    for number in 0..<count {
      let entry = index + number * indexEntryBytes
      let first = file.integer(UInt64.self, at: entry)
      let prefill = file.integer(UInt32.self, at: entry + 8)
      let decode = file.integer(UInt32.self, at: entry + 12)
      let records = UInt64(prefill) + UInt64(decode)
      if records > tokens || first > tokens - records {
        throw RoutingTraceError(
          file: file.path, place: .byte(entry),
          message: "sequence \(number): \(records) records from record \(first) of \(tokens)")
      }
      sequences.append(
        RoutingRecords.Sequence(
          first: Int(first), prefill: Int(prefill), decode: Int(decode),
          promptTokens: Int(file.integer(UInt32.self, at: entry + 16))))
    }
    return sequences
  }
}
