// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc

/// A file could not be written, e.g. because the disk is full.
public struct RoutingTraceWriteError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file's path.
  public var file: String
  /// The system's error number.
  public var code: Int32

  /// Which file, and the system's words for why.
  public var description: String { "\(file): \(String(cString: strerror(code)))" }
}

/// Writes routing traces in the project's binary format, streamed: memory grows with the number
/// of sequences (32 bytes each) and with the longest prompt batch, not with the trace.
///
/// The header is written last, so that a file whose writing was broken off has no mark and is
/// refused by readers.
public final class RoutingTraceWriter {
  /// Gate weights in the file.
  public enum Weights: UInt8, Sendable {
    /// None.
    case none = 0
    /// 16-bit floating point: about three decimal digits.
    case half = 1
    /// 32-bit floating point.
    case single = 2
  }

  private let path: String
  private let shape: RoutingShape
  private let weights: Weights
  private let isRanked: Bool
  private let isWide: Bool
  private let expertBytes: [Int64]?
  private let origin: String
  private var descriptor: Int32 = -1
  /// What is not in the file yet, or all of it when there is no file.
  private var buffer: [UInt8]
  private var records = 0
  private var index: [(first: Int, prefill: Int, decode: Int)] = []
  private var sequence: Int?
  /// The batch whose layers are being collected, and how many are.
  private var batch: [RoutingLayerEvent] = []
  /// Prompt tokens that were left out because some layer lacks their choices.
  public private(set) var droppedPromptTokens = 0

  /// Begins a file.
  ///
  /// - Parameters:
  ///   - path: where to write; an existing file is replaced. `nil` keeps the bytes in memory.
  ///   - shape: layers, experts, choices per token.
  ///   - weights: how gate weights are written; events must have them unless `.none`.
  ///   - isRanked: whether choices stand in order of rank, heaviest first.
  ///   - expertBytes: bytes of an expert in each layer, if known.
  ///   - origin: where the trace comes from, in words.
  public init(
    path: String?, shape: RoutingShape, weights: Weights, isRanked: Bool, expertBytes: [Int64]?,
    origin: String
  ) throws {
    self.path = path ?? "memory"
    if let problem = shape.problem { throw RoutingTraceError(file: self.path, message: problem) }
    self.shape = shape
    self.weights = weights
    self.isRanked = isRanked
    self.expertBytes = expertBytes.flatMap { $0.count == shape.layers ? $0 : nil }
    self.origin = origin
    isWide = shape.experts > 256
    buffer = [UInt8](repeating: 0, count: MoesimRoutingFormat.headerBytes)
    if let path {
      descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
      if descriptor < 0 { throw RoutingTraceWriteError(file: path, code: errno) }
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Adds one event; the layers of a pass come one after the other from 0.
  ///
  /// Where the layers of a prompt hold different numbers of tokens (a runtime needs the last token
  /// alone in the last layer), the last tokens that all layers have are written.
  ///
  /// - Throws: `RoutingTraceError` when a layer is missing or an event does not fit the shape;
  ///   `RoutingTraceWriteError` when the file cannot be written.
  public func append(_ event: RoutingLayerEvent) throws {
    if event.sequence != sequence {
      if !batch.isEmpty { throw misfit(event, "the pass before lacks layers") }
      sequence = event.sequence
      index.append((records, 0, 0))
    }
    if event.layer != batch.count {
      throw misfit(event, "layer \(batch.count) is expected")
    }
    if event.experts.count != event.tokens * shape.topK
      || event.phase == .decode && event.tokens != batch.first?.tokens ?? event.tokens
    {
      throw misfit(event, "\(event.experts.count) choices for \(event.tokens) tokens")
    }
    if event.experts.contains(where: { $0 < 0 || $0 >= shape.experts }) {
      throw misfit(event, "an expert outside 0 to \(shape.experts - 1)")
    }
    if weights != .none && event.weights.count != event.experts.count {
      throw misfit(event, "gate weights are missing")
    }
    batch.append(event)
    if batch.count == shape.layers { try writeBatch() }
  }

  private func misfit(_ event: RoutingLayerEvent, _ message: String) -> RoutingTraceError {
    RoutingTraceError(
      file: path,
      message: "sequence \(event.sequence), step \(event.step), layer \(event.layer): \(message)")
  }

  private func writeBatch() throws {
    let event = batch[0]
    let tokens = batch.reduce(event.tokens) { min($0, $1.tokens) }
    if event.phase == .prefill {
      if index[index.count - 1].decode > 0 {
        throw misfit(event, "prompt tokens after output tokens; begin another sequence")
      }
      index[index.count - 1].prefill += tokens
      droppedPromptTokens += (batch.map(\.tokens).max() ?? tokens) - tokens
    } else {
      index[index.count - 1].decode += tokens
    }
    records += tokens
    for token in 0..<tokens {
      func choices(_ layer: RoutingLayerEvent) -> Range<Int> {
        let token = token + layer.tokens - tokens
        return token * shape.topK..<(token + 1) * shape.topK
      }
      for layer in batch {
        for expert in layer.experts[choices(layer)] {
          if isWide {
            append(UInt16(truncatingIfNeeded: expert))
          } else {
            buffer.append(UInt8(truncatingIfNeeded: expert))
          }
        }
      }
      if weights == .none { continue }
      for layer in batch {
        for weight in layer.weights[choices(layer)] {
          if weights == .half {
            append(Float16(weight).bitPattern)
          } else {
            append(weight.bitPattern)
          }
        }
      }
      if buffer.count > 1 << 20 { try flush() }
    }
    batch.removeAll(keepingCapacity: true)
  }

  private func append(_ integer: some FixedWidthInteger) {
    withUnsafeBytes(of: integer.littleEndian) { buffer.append(contentsOf: $0) }
  }

  private var flushed = 0

  private func flush() throws {
    if descriptor < 0 { return }
    flushed += buffer.count
    try write(buffer, at: nil)
    buffer.removeAll(keepingCapacity: true)
  }

  private func write(_ bytes: [UInt8], at offset: Int?) throws {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        let rest = UnsafeRawBufferPointer(rebasing: raw[done...])
        return offset.map { pwrite(descriptor, rest.baseAddress, rest.count, $0 + done) }
          ?? Glibc.write(descriptor, rest.baseAddress, rest.count)
      }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { throw RoutingTraceWriteError(file: path, code: count == 0 ? ENOSPC : errno) }
      done += count
    }
  }

  /// Writes index and header, and closes the file.
  ///
  /// - Returns: the bytes when there is no file, else nothing.
  @discardableResult
  public func finish() throws -> [UInt8] {
    if !batch.isEmpty {
      throw RoutingTraceError(file: path, message: "the last pass lacks layers")
    }
    let indexAt = flushed + buffer.count
    for entry in index {
      append(UInt64(entry.first))
      append(UInt32(entry.prefill))
      append(UInt32(entry.decode))
      append(UInt32(entry.prefill))
      append(UInt32(0))
      append(UInt64(0))
    }
    let sizesAt = expertBytes == nil ? 0 : flushed + buffer.count
    for size in expertBytes ?? [] { append(size) }
    let textAt = flushed + buffer.count
    buffer.append(contentsOf: Array(origin.utf8))
    let header = makeHeader(indexAt: indexAt, sizesAt: sizesAt, textAt: textAt)
    if descriptor < 0 {
      buffer.replaceSubrange(0..<header.count, with: header)
      return buffer
    }
    try flush()
    try write(header, at: 0)
    let closed = close(descriptor)
    descriptor = -1
    if closed != 0 { throw RoutingTraceWriteError(file: path, code: errno) }
    return []
  }

  private func makeHeader(indexAt: Int, sizesAt: Int, textAt: Int) -> [UInt8] {
    var header = MoesimRoutingFormat.magic
    func put(_ integer: some FixedWidthInteger) {
      withUnsafeBytes(of: integer.littleEndian) { header.append(contentsOf: $0) }
    }
    put(MoesimRoutingFormat.version)
    put(UInt16(MoesimRoutingFormat.headerBytes))
    put(UInt8(isWide ? 2 : 1))
    put(weights.rawValue)
    put(UInt8(isRanked ? 1 : 0))
    put(UInt8(0))
    put(UInt32(shape.layers))
    put(UInt32(shape.experts))
    put(UInt32(shape.topK))
    let weightBytes = weights == .none ? 0 : (weights == .half ? 2 : 4)
    put(UInt32(shape.layers * shape.topK * ((isWide ? 2 : 1) + weightBytes)))
    put(UInt64(records))
    put(UInt64(index.count))
    put(UInt64(MoesimRoutingFormat.headerBytes))
    put(UInt64(indexAt))
    put(UInt64(sizesAt))
    put(UInt64(textAt))
    put(UInt64(origin.utf8.count))
    header.append(
      contentsOf: [UInt8](repeating: 0, count: MoesimRoutingFormat.headerBytes - header.count))
    return header
  }
}
