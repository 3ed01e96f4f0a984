// SPDX-License-Identifier: GPL-3.0-or-later

/// Where in a file something stands.
public struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
  /// The file as it was named to the reader, or the origin of a value that stands in no file, such
  /// as "--set".
  public var file: String
  /// The line, from 1; 0 when the origin is no file.
  public var line: Int
  /// The column in Unicode scalars, from 1; 0 when the origin is no file.
  public var column: Int

  /// Creates a location.
  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// The location of a value that stands in no file.
  public init(origin: String) { self.init(file: origin, line: 0, column: 0) }

  /// "file:line:column", or the origin alone.
  public var description: String { line > 0 ? "\(file):\(line):\(column)" : file }
}
