// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// A file of measured rows, one line of JSON each, that grows as they come.
public final class MeasurementLog {
  /// Rows that were in the file when it was opened.
  public let existing: [KernelMeasurement]
  /// Whether the last line of the file was torn off and is gone.
  public let hadTornLine: Bool
  private let handle: FileHandle
  private let encoder: JSONEncoder

  /// Opens a file, or standard output where there is none.
  ///
  /// - Parameter resumes: Whether to go on with what is there; a file that exists is refused otherwise.
  public init(path: String?, resumes: Bool) throws {
    encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let path else {
      existing = []
      hadTornLine = false
      handle = .standardOutput
      return
    }
    let files = FileManager.default
    var content = files.contents(atPath: path) ?? Data()
    if !content.isEmpty, !resumes {
      throw ComputeError("\(path) exists; --resume goes on with it")
    }
    // An interruption may have left part of a line.
    let complete = content.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    hadTornLine = complete < content.count
    content = content.prefix(complete)
    existing = try Self.rows(content, path: path)
    guard files.fileExists(atPath: path) || files.createFile(atPath: path, contents: nil),
      let handle = FileHandle(forWritingAtPath: path)
    else { throw ComputeError("\(path) cannot be written") }
    try handle.truncate(atOffset: UInt64(complete))
    try handle.seekToEnd()
    self.handle = handle
  }

  private static func rows(_ content: Data, path: String) throws -> [KernelMeasurement] {
    try TimingTable.parse(String(decoding: content, as: UTF8.self), file: path, format: .jsonLines)
  }

  /// Appends a row; it is in the file when this returns.
  public func append(_ row: KernelMeasurement) throws {
    try handle.write(contentsOf: try encoder.encode(row) + Data("\n".utf8))
  }
}
