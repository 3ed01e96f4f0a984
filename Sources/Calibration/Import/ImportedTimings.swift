// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import ModelDescriptors

/// What the files of another tool gave.
public struct ImportedTimings: Sendable {
  /// A kind of rows that was left out, and why.
  public struct Skipped: Hashable, Sendable {
    /// What they are and why they were left out, in words.
    public var reason: String
    /// How many.
    public var count: Int
  }

  /// The rows that were understood, in the order of the files.
  public var rows: [KernelMeasurement] = []
  /// The rows that were left out because nothing here models them, in the order of discovery.
  public private(set) var skipped: [Skipped] = []

  /// Nothing yet.
  public init() {}

  /// Counts rows that were left out.
  public mutating func skip(_ reason: String, count: Int = 1) {
    if let place = skipped.firstIndex(where: { $0.reason == reason }) {
      skipped[place].count += count
    } else {
      skipped.append(Skipped(reason: reason, count: count))
    }
  }

  /// Takes up a row after checking it.
  ///
  /// - Throws: A diagnostic at `place` when the row lacks what its kernel needs or contradicts itself.
  mutating func add(_ row: KernelMeasurement, at place: SourceLocation) throws {
    for column in TimingColumn.all {
      var copy = row
      guard let value = column.value(of: row), let expected = column.set(value, in: &copy) else {
        continue
      }
      throw Diagnostic(
        location: place, path: column.name, message: "expected \(expected); found \(value.inWords)")
    }
    if let fault = row.fault {
      throw Diagnostic(location: place, path: fault.key.rawValue, message: fault.message)
    }
    rows.append(row)
  }
}

/// What the user knows and a file may not say.
public struct ImportOptions: Sendable {
  /// The device, which goes before what a file says.
  public var device: String?
  /// The model whose shapes a file means.
  public var model: ModelDescriptor?

  /// Bytes of a copy, of formats that do not say (nvbandwidth's `--bufferSize`).
  public var copyBytes: Int?

  /// Creates options.
  public init(
    device: String? = nil, model: ModelDescriptor? = nil, copyBytes: Int? = nil
  ) {
    self.device = device
    self.model = model
    self.copyBytes = copyBytes
  }

  /// The device as the user says it, or as a path does.
  ///
  /// - Throws: A diagnostic when neither says it.
  func device(of path: String) throws -> String {
    if let name = device ?? ImportedNames.device(in: path) { return name }
    throw Diagnostic(
      location: SourceLocation(origin: path),
      message: "the path tells no known device; name it with --device")
  }
}

/// A format of timings that another tool writes.
public protocol TimingImporter: Sendable {
  /// The name after `--from`.
  var name: String { get }
  /// What is read, in one line.
  var summary: String { get }
  /// Whether `ImportOptions.model` says anything to this format.
  var usesModel: Bool { get }
  /// Whether `ImportOptions.copyBytes` says anything to this format.
  var usesCopyBytes: Bool { get }
  /// Reads one file and adds its rows.
  ///
  /// - Throws: `MissingFile`; a diagnostic or `Diagnostics` for what cannot be understood.
  func read(_ path: String, options: ImportOptions, into result: inout ImportedTimings) throws
}

extension TimingImporter {
  /// Most files give their shapes.
  public var usesModel: Bool { false }
  /// Most files give the size of what was copied.
  public var usesCopyBytes: Bool { false }
}

/// The formats of other tools.
public enum TimingImporters {
  /// All formats, in the order of the documentation.
  public static let all: [any TimingImporter] = [
    AIConfiguratorImporter(), VidurImporter(), LLMServingSimImporter(), InferSimImporter(),
    FrontierImporter(), LlamaBenchImporter(), FioImporter(), NvbandwidthImporter(),
  ]

  /// The format of a name, or `nil`.
  public static func named(_ name: String) -> (any TimingImporter)? {
    all.first { $0.name == name }
  }

  /// Reads files of one format, in order.
  ///
  /// - Throws: As `TimingImporter.read`; all that is wrong with one file at once.
  public static func read(
    _ paths: [String], with importer: any TimingImporter, options: ImportOptions = ImportOptions()
  ) throws -> ImportedTimings {
    var result = ImportedTimings()
    for path in paths { try importer.read(path, options: options, into: &result) }
    return result
  }
}
