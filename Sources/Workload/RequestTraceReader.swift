// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// One request as a trace records it.
public struct RequestRecord: Hashable, Sendable {
  /// When it arrived, in nanoseconds of the trace's own clock.
  public var arrivalNanoseconds: Int64 = 0
  /// Length of the prompt, in tokens.
  public var promptTokens: Int32 = 0
  /// Tokens generated.
  public var outputTokens: Int32 = 0
  /// Identities of the reusable blocks of the prompt; empty where none are recorded.
  public var prefixBlocks: [UInt64] = []

  /// How urgent it is; 0 where none is recorded.
  public var priority: Int32 = 0

  /// Creates an empty record, for a reader to fill.
  public init() {}
}

/// A recorded request trace, read from its file one request at a time.
///
/// The format is recognised by the file's content. Whatever is wrong with a line is thrown as a
/// `Diagnostic` with file, line and column: a line cut short, a negative or absurd size, a time
/// that is no number, an arrival before the one above it.
public final class RequestTraceReader {
  /// The format of the file.
  public let format: RequestTraceFormat
  /// Whether times count from the trace's own zero rather than from a calendar date.
  public var hasRelativeTime: Bool { format != .azure }
  /// Tokens in a prefix block, or 0 when the file records none.
  public var prefixBlockTokens: Int { recordsPrefixBlocks ? format.prefixBlockTokens : 0 }
  /// Whether the file records priorities.
  public var recordsPriorities: Bool { columns.contains(RequestTraceFormat.priorityColumn) }
  /// The columns of the header, of a CSV.
  private let columns: [String]
  private let recordsPrefixBlocks: Bool

  private let lines: LineReader
  private var line: [UInt8] = []
  private var fields: [Range<Int>] = []
  private var lastArrival: Int64 = 0
  private var decoder = MooncakeLineDecoder()

  /// Opens a trace.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - format: Its format, where it is not to be recognised.
  /// - Throws: `MissingFile`, or a `Diagnostic` when the file is no request trace.
  public convenience init(path: String, format: RequestTraceFormat? = nil) throws {
    try self.init(LineReader(path: path), format: format)
  }

  /// Reads a trace that is already in memory; `file` names it in errors.
  public convenience init(
    bytes: [UInt8], file: String, format: RequestTraceFormat? = nil
  ) throws {
    try self.init(LineReader(bytes: bytes, file: file), format: format)
  }

  private init(_ lines: LineReader, format asked: RequestTraceFormat?) throws {
    self.lines = lines
    var first: [UInt8] = []
    guard try Self.nextContent(lines, into: &first) else {
      throw lines.diagnostic(
        "holds no request: expected a header 'arrival_s,prompt_tokens,output_tokens', an Azure "
          + "header 'TIMESTAMP,ContextTokens,GeneratedTokens' or Mooncake JSON lines")
    }
    let header = String(decoding: first.prefix(4096), as: UTF8.self)
    guard let recognized = RequestTraceFormat.recognized(firstLine: header) else {
      throw lines.diagnostic(
        "'\(header.prefix(60))' begins no known request trace: expected a header "
          + "'arrival_s,prompt_tokens,output_tokens' (moesim), "
          + "'TIMESTAMP,ContextTokens,GeneratedTokens' (azure) or a JSON object (mooncake)")
    }
    if let asked, asked != recognized {
      throw lines.diagnostic(
        "looks like the \(recognized.rawValue) format, not \(asked.rawValue) as asked")
    }
    format = recognized
    if recognized == .mooncake {
      columns = []
      recordsPrefixBlocks = true
      // The first line is a request: read it again.
      lines.unread(first)
    } else {
      columns = RequestTraceFormat.columnNames(header)
      recordsPrefixBlocks = try Self.checkColumns(columns, of: recognized, in: lines)
    }
  }

  /// Starts again from the first request.
  public func rewind() throws {
    try lines.rewind()
    lastArrival = 0
    if format != .mooncake { _ = try Self.nextContent(lines, into: &line) }
  }

  /// Reads the next request into `record`; false at the end of the trace.
  ///
  /// - Complexity: O(length of the line).
  public func next(into record: inout RequestRecord) throws -> Bool {
    guard try Self.nextContent(lines, into: &line) else { return false }
    if let error = readLine(into: &record) {
      // A last line without a line break may have lost more than that.
      let hint = lines.lineWasTerminated ? "" : " (the file may have been cut short)"
      throw lines.diagnostic(error.message + hint, column: error.column)
    }
    guard record.arrivalNanoseconds >= lastArrival else {
      let back = Double(lastArrival - record.arrivalNanoseconds) * 1e-9
      throw lines.diagnostic(
        "arrives \(back) s before the request above it; arrivals must not go back in time")
    }
    lastArrival = record.arrivalNanoseconds
    return true
  }

  /// Reads the line last read; what is wrong with it, if anything is.
  private func readLine(into record: inout RequestRecord) -> FieldError? {
    do throws(FieldError) {
      switch format {
      case .azure, .moesim: try readFields(into: &record)
      case .mooncake: try decoder.decode(line, into: &record)
      }
      return nil
    } catch {
      return error
    }
  }

  private func readFields(into record: inout RequestRecord) throws(FieldError) {
    record.prefixBlocks.removeAll(keepingCapacity: true)
    let storage = fields
    fields = []
    let result: Result<[Range<Int>], FieldError> = line.withUnsafeBufferPointer { bytes in
      let scanner = FieldScanner(bytes, reusing: storage)
      do throws(FieldError) {
        try Self.read(scanner, columns: columns, format: format, into: &record)
        return .success(scanner.fields)
      } catch {
        return .failure(error)
      }
    }
    fields = try result.get()
  }

  private static func read(
    _ scanner: FieldScanner, columns: [String], format: RequestTraceFormat,
    into record: inout RequestRecord
  ) throws(FieldError) {
    guard scanner.fields.count == columns.count else {
      throw FieldError(
        message: "has \(scanner.fields.count) fields; the header names \(columns.count)",
        column: 1)
    }
    if format == .azure {
      guard let time = Timestamp.nanoseconds(scanner.text(0)) else {
        throw scanner.error(
          0,
          "TIMESTAMP is \(scanner.quoted(0)); a time like 2023-11-16 18:15:46.6805900 is expected")
      }
      record.arrivalNanoseconds = time
      record.promptTokens = try scanner.tokens(1, "ContextTokens")
      record.outputTokens = try scanner.tokens(2, "GeneratedTokens")
    } else {
      record.arrivalNanoseconds = try scanner.secondsAsNanoseconds(0, "arrival_s")
      record.promptTokens = try scanner.tokens(1, "prompt_tokens")
      record.outputTokens = try scanner.tokens(2, "output_tokens")
      for field in 3..<max(3, columns.count) {
        if columns[field] == RequestTraceFormat.prefixColumn {
          try scanner.blocks(field, into: &record.prefixBlocks)
        } else {
          record.priority = try scanner.priority(field)
        }
      }
    }
  }

  /// Whether the columns name prefix blocks; throws when a column is not known.
  private static func checkColumns(
    _ columns: [String], of format: RequestTraceFormat, in lines: LineReader
  ) throws -> Bool {
    let required =
      format == .azure ? RequestTraceFormat.azureColumns : RequestTraceFormat.moesimColumns
    let rest = columns.dropFirst(required.count)
    if rest.isEmpty { return false }
    let optional = format == .moesim ? RequestTraceFormat.optionalColumns : []
    var known: [String] = []
    for name in rest {
      guard optional.contains(name), !known.contains(name) else {
        throw lines.diagnostic(
          "the header names a column '\(name)' "
            + (known.contains(name) ? "twice" : "that is not known") + "; expected "
            + required.joined(separator: ",")
            + (optional.isEmpty ? "" : " and perhaps " + optional.joined(separator: ", ")))
      }
      known.append(name)
    }
    return known.contains(RequestTraceFormat.prefixColumn)
  }

  /// The next line that is neither blank nor a comment.
  private static func nextContent(_ lines: LineReader, into line: inout [UInt8]) throws -> Bool {
    while try lines.next(into: &line) {
      let first = line.first { $0 != 0x20 && $0 != 0x09 }
      if let first, first != UInt8(ascii: "#") { return true }
    }
    return false
  }
}
