// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// The formats of recorded routing that can be read.
public enum RoutingTraceFormat: String, Sendable, CaseIterable {
  /// The project's own binary format.
  case moesim
  /// One byte a choice, with a CSV index.
  case topKBytes = "topk-bytes"
  /// The CSV of BigMoeOnEdge, with recorded residency.
  case bigMoeOnEdge = "bigmoeonedge"
  /// A CSV of sets of experts.
  case setEvents = "set-events"

  /// The format of a file by its content, or `nil`: bytes without any mark may be `topk-bytes`.
  public static func recognise(path: String) throws -> RoutingTraceFormat? {
    recognise(try MappedFile(path))
  }

  static func recognise(_ file: MappedFile) -> RoutingTraceFormat? {
    // The buffer is read while the file is held.
    withExtendedLifetime(file) { recognise(file.bytes) }
  }

  private static func recognise(_ bytes: UnsafeRawBufferPointer) -> RoutingTraceFormat? {
    if MoesimRoutingFormat.isMagic(bytes) { return .moesim }
    if bytes.starts(with: Array(BigMoeOnEdgeReader.signature.utf8)) { return .bigMoeOnEdge }
    let head = bytes.prefix(400)
    guard let end = head.firstIndex(of: 0x0A) else { return nil }
    let line = String(decoding: head[..<end], as: UTF8.self)
    if line.contains("requested_experts") { return .setEvents }
    return nil
  }
}

/// A recorded routing trace, opened.
public struct RoutingTraceFile: Sendable {
  /// How a file is to be read where its content does not say.
  public struct Options: Sendable, Equatable {
    /// The format; `nil` recognises it by content.
    public var format: RoutingTraceFormat?
    /// The index of `topk-bytes`; `nil` takes NAME_index.csv beside NAME.bin when it is there.
    public var index: String?
    /// Layers, experts and choices per token, which `topk-bytes` needs.
    public var shape: RoutingShape?

    /// Options; by default everything is found out.
    public init(
      format: RoutingTraceFormat? = nil, index: String? = nil, shape: RoutingShape? = nil
    ) {
      self.format = format
      self.index = index
      self.shape = shape
    }
  }

  /// The file's path.
  public let path: String
  /// Its format.
  public let format: RoutingTraceFormat
  private let file: MappedFile
  private let mapped: RoutingRecords?
  private let givenShape: RoutingShape?

  /// Opens a trace, and checks its header and index.
  ///
  /// - Throws: `MissingFile`, or `RoutingTraceError` with the place of what is wrong.
  public init(path: String, options: Options = Options()) throws {
    try self.init(file: MappedFile(path), options: options)
  }

  /// Opens a trace that is in memory.
  public init(bytes: [UInt8], named name: String, options: Options = Options()) throws {
    try self.init(file: MappedFile(bytes, named: name), options: options)
  }

  private init(file: MappedFile, options: Options) throws {
    self.file = file
    path = file.path
    givenShape = options.shape
    let recognised = options.format ?? RoutingTraceFormat.recognise(file)
    guard let format = recognised ?? (options.shape == nil ? nil : .topKBytes) else {
      throw RoutingTraceError(
        file: file.path,
        message: "the format is not recognised; if it is topk-bytes, the numbers of layers,"
          + " experts and choices per token are needed")
    }
    self.format = format
    switch format {
    case .moesim: mapped = try MoesimRoutingFormat.records(file)
    case .topKBytes:
      guard let shape = options.shape else {
        throw RoutingTraceError(
          file: file.path,
          message: "topk-bytes does not name its shape: the numbers of layers, experts and choices"
            + " per token are needed")
      }
      var index = options.index
      let beside = TopKBytesFormat.conventionalIndex(file.path)
      if index == nil, (try? MappedFile(beside)) != nil { index = beside }
      mapped = try TopKBytesFormat.records(file, index: index, shape: shape)
    case .bigMoeOnEdge, .setEvents: mapped = nil
    }
    if let shape = options.shape, format != .topKBytes {
      let found = try reader().shape
      if found != shape {
        throw RoutingTraceError(
          file: file.path, message: "the trace has \(found), not \(shape)")
      }
    }
  }

  /// A reader from the first event.
  public func reader() throws -> any RoutingTraceReader {
    if let mapped { return RoutingRecordReader(mapped, formatName: format.rawValue) }
    if format == .bigMoeOnEdge { return try BigMoeOnEdgeReader(file) }
    return try SetEventsReader(file, shape: givenShape)
  }

  /// Token records with random access: those of the file, or a copy in memory of a text format.
  func records() throws -> RoutingRecords {
    if let mapped { return mapped }
    var reader = try self.reader()
    let writer = try RoutingTraceWriter(
      path: nil, shape: reader.shape, weights: reader.hasGateWeights ? .single : .none,
      isRanked: reader.isRanked, expertBytes: reader.expertBytes, origin: path)
    var event = RoutingLayerEvent()
    while try reader.next(into: &event) { try writer.append(event) }
    let records = try MoesimRoutingFormat.records(MappedFile(writer.finish(), named: path))
    records.droppedPromptTokens = writer.droppedPromptTokens
    return records
  }

  /// The decode tokens in memory, for statistics and fitting.
  public func corpus(tokenLimit: Int = 20_000_000) throws -> RoutingCorpus {
    var reader = try self.reader()
    return try RoutingCorpus(reading: &reader, tokenLimit: tokenLimit)
  }
}
