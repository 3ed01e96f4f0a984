// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// The lines of a file, one at a time, in memory that does not grow with the file.
///
/// Lines end with `\n` or `\r\n`, the last one perhaps with neither. A byte-order mark at the start
/// is skipped. A line longer than ``maximumLineBytes`` is an error.
final class LineReader {
  /// The longest line that is read, in bytes.
  static let maximumLineBytes = 4 << 20
  private static let chunkBytes = 64 << 10

  /// The name under which errors are reported.
  let file: String
  /// The number of the line last read, from 1; 0 before the first.
  private(set) var lineNumber = 0
  /// Whether the line last read ended with a line break.
  private(set) var lineWasTerminated = true

  private let descriptor: Int32
  private var chunk: [UInt8]
  private var position = 0
  private var end = 0
  private var pushedBack: [UInt8]?

  /// Opens a file.
  ///
  /// - Throws: `MissingFile` when it is absent or cannot be opened.
  init(path: String) throws {
    file = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw MissingFile(path: path, hint: errno == ENOENT ? "" : String(cString: strerror(errno)))
    }
    chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
  }

  /// Reads from bytes that are already in memory.
  init(bytes: [UInt8], file: String) {
    self.file = file
    descriptor = -1
    chunk = bytes
    end = bytes.count
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Starts again from the first line.
  ///
  /// - Throws: A diagnostic when the file cannot be read twice, as a pipe cannot.
  func rewind() throws {
    if descriptor >= 0 {
      guard lseek(descriptor, 0, SEEK_SET) == 0 else {
        throw diagnostic("cannot be read a second time: \(String(cString: strerror(errno)))")
      }
      end = 0
    }
    position = 0
    pushedBack = nil
    lineNumber = 0
    lineWasTerminated = true
  }

  /// Replaces `line` by the next line, without its line break; false at the end of the file.
  ///
  /// - Complexity: O(length of the line) bytes copied.
  func next(into line: inout [UInt8]) throws -> Bool {
    if let pushed = pushedBack {
      line = pushed
      pushedBack = nil
      lineNumber += 1
      return true
    }
    line.removeAll(keepingCapacity: true)
    lineWasTerminated = false
    var sawAny = false
    while true {
      if position == end {
        guard try refill() else { break }
      }
      sawAny = true
      let start = position
      let newline = chunk.withUnsafeBufferPointer { bytes in
        memchr(bytes.baseAddress! + start, 0x0A, end - start).map {
          $0 - UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
        }
      }
      let stop = newline ?? end
      if line.count + (stop - start) > Self.maximumLineBytes {
        lineNumber += 1
        throw diagnostic(
          "the line is longer than \(Self.maximumLineBytes >> 20) MiB; this is not a request trace")
      }
      line.append(contentsOf: chunk[start..<stop])
      if newline != nil {
        position = stop + 1
        lineWasTerminated = true
        break
      }
      position = stop
    }
    guard sawAny else { return false }
    lineNumber += 1
    if line.last == 0x0D { line.removeLast() }
    if lineNumber == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
    return true
  }

  /// Makes the line last read the next one again.
  func unread(_ line: [UInt8]) {
    pushedBack = line
    lineNumber -= 1
  }

  /// A diagnostic at a column of the line last read.
  func diagnostic(_ message: String, column: Int = 1) -> Diagnostic {
    Diagnostic(
      location: SourceLocation(file: file, line: max(lineNumber, 1), column: column), path: "",
      message: message)
  }

  private func refill() throws -> Bool {
    guard descriptor >= 0 else { return false }
    while true {
      let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        position = 0
        end = count
        return true
      }
      if count == 0 { return false }
      if errno == EINTR { continue }
      throw diagnostic("cannot be read: \(String(cString: strerror(errno)))")
    }
  }
}
