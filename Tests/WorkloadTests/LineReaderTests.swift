// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Testing

@testable import Workload

@Suite("Lines of a file")
struct LineReaderTests {
  private func lines(_ reader: LineReader) throws -> [String] {
    var all: [String] = []
    var line: [UInt8] = []
    while try reader.next(into: &line) { all.append(String(decoding: line, as: UTF8.self)) }
    return all
  }

  @Test(
    "Line breaks of both kinds, with and without one at the end",
    arguments: [
      ("", []), ("a", ["a"]), ("a\n", ["a"]), ("a\r\nb", ["a", "b"]), ("\n\nb\n", ["", "", "b"]),
      ("\u{FEFF}a\nb", ["a", "b"]), ("a\rb\n", ["a\rb"]),
    ])
  func breaks(text: String, expected: [String]) throws {
    #expect(try lines(LineReader(bytes: Array(text.utf8), file: "x")) == expected)
  }

  @Test("Lines that cross the buffer's edge come out whole, twice")
  func longFile() throws {
    let expected = (0..<40_000).map { "line \($0) " + String(repeating: "x", count: $0 % 97) }
    let url = FileManager.default.temporaryDirectory.appending(path: "lines-\(UUID()).txt")
    defer { try? FileManager.default.removeItem(at: url) }
    try Data(expected.joined(separator: "\r\n").utf8).write(to: url)
    let reader = try LineReader(path: url.path)
    #expect(try lines(reader) == expected)
    #expect(reader.lineNumber == expected.count)
    #expect(!reader.lineWasTerminated)
    try reader.rewind()
    #expect(try lines(reader) == expected)
  }

  @Test("A line without end is an error, not a full memory")
  func endless() throws {
    let reader = LineReader(
      bytes: [UInt8](repeating: 0x78, count: LineReader.maximumLineBytes + 1), file: "big")
    var line: [UInt8] = []
    #expect(throws: Diagnostic.self) { _ = try reader.next(into: &line) }
  }

  @Test("An absent file is told apart from a bad one")
  func absent() {
    #expect(throws: MissingFile.self) { _ = try LineReader(path: "/nowhere/at/all.csv") }
  }

  @Test("A folder is not a file")
  func folder() throws {
    let reader = try LineReader(path: "/")
    var line: [UInt8] = []
    #expect(throws: Diagnostic.self) { _ = try reader.next(into: &line) }
  }
}
