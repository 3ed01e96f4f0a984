// SPDX-License-Identifier: GPL-3.0-or-later

/// The format `topk-bytes`: one byte a choice, [token][layer][rank], rank 0 of the largest
/// weight, sequences one after the other; and a CSV index with the columns `decode_tokens`,
/// `token_offset` and perhaps `prompt_tokens`. It holds output tokens only.
enum TopKBytesFormat {
  static let name = "topk-bytes"

  /// Opens a file; without an index it is one sequence.
  static func records(_ file: MappedFile, index: String?, shape: RoutingShape) throws
    -> RoutingRecords
  {
    if let problem = shape.problem { throw RoutingTraceError(file: file.path, message: problem) }
    if shape.experts > 256 {
      throw RoutingTraceError(
        file: file.path, message: "\(shape.experts) experts do not fit in a byte; convert it")
    }
    let record = shape.layers * shape.topK
    let size = file.bytes.count
    if size % record != 0 || size == 0 {
      throw RoutingTraceError(
        file: file.path, place: .byte(size - size % record),
        message: "\(size) bytes; a positive multiple of \(shape.layers) layers × top-\(shape.topK)"
          + " = \(record) bytes is expected (is the file truncated, or the shape wrong?)")
    }
    let tokens = size / record
    let sequences =
      try index.map { try readIndex($0, tokens: tokens) } ?? [
        RoutingRecords.Sequence(first: 0, prefill: 0, decode: tokens, promptTokens: 0)
      ]
    return RoutingRecords(
      file: file, start: 0, shape: shape, isWide: false, weightKind: .none, isRanked: true,
      expertBytes: nil, sequences: sequences)
  }

  /// The index that stands beside a file by convention: NAME_index.csv beside NAME.bin.
  static func conventionalIndex(_ path: String) -> String {
    (path.hasSuffix(".bin") ? String(path.dropLast(4)) : path) + "_index.csv"
  }

  private static func readIndex(_ path: String, tokens: Int) throws -> [RoutingRecords.Sequence] {
    let file = try MappedFile(path)
    var lines = DelimitedLines(file)
    func failure(_ message: String) -> RoutingTraceError {
      RoutingTraceError(file: path, place: .line(max(1, lines.number)), message: message)
    }
    if !lines.next() { throw failure("an empty index") }
    let header = lines.fields.map { lines.text($0) }
    guard let lengthColumn = header.firstIndex(of: "decode_tokens"),
      let offsetColumn = header.firstIndex(of: "token_offset")
    else { throw failure("the columns decode_tokens and token_offset are expected") }
    let promptColumn = header.firstIndex(of: "prompt_tokens")
    var sequences: [RoutingRecords.Sequence] = []
    while lines.next() {
      // A quoted field may hold commas; the columns that are read stand after such fields.
      let shift = lines.fields.count - header.count
      if shift < 0 { throw failure("\(lines.fields.count) fields; \(header.count) are expected") }
      guard let length = lines.integer(lengthColumn + shift),
        let offset = lines.integer(offsetColumn + shift)
      else { throw failure("decode_tokens and token_offset are whole numbers") }
      if length > tokens || offset > tokens - length {
        throw failure(
          "tokens \(offset) to \(offset + length) of a file with \(tokens) tokens")
      }
      let prompt = promptColumn.flatMap { lines.integer($0 + shift) } ?? 0
      sequences.append(
        RoutingRecords.Sequence(
          first: offset, prefill: 0, decode: length, promptTokens: min(prompt, 1 << 40)))
    }
    if sequences.isEmpty { throw failure("no sequence") }
    let indexed = sequences.map { $0.first + $0.decode }.max() ?? 0
    if indexed < tokens {
      throw failure(
        "the sequences end at token \(indexed), but the file holds \(tokens) tokens of this shape"
          + " (is the shape wrong?)")
    }
    return sequences
  }
}
