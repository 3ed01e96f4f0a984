// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Reports

/// A folder that is removed when the value goes away.
final class TemporaryFolder {
  let url: URL
  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "moesim-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(at: url) }
  func path(_ name: String) -> String { url.appending(path: name).path }
  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}

@Suite("Output")
struct OutputWriterTests {
  @Test("reaches its file whole, whatever the sizes of the pieces", arguments: [1, 1000, 70_000])
  func writes(size: Int) throws {
    let folder = try TemporaryFolder()
    let piece = String(repeating: "é", count: size / 2) + "x"
    let writer = try OutputWriter(path: folder.path("out.txt"))
    for _ in 0..<5 { try writer.write(piece) }
    try writer.finish()
    let text = try String(contentsOfFile: folder.path("out.txt"), encoding: .utf8)
    #expect(text == String(repeating: piece, count: 5))
    #expect(writer.byteCount == text.utf8.count)
    #expect(try folder.names == ["out.txt"])
  }

  @Test(
    "to a full device is an error",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func fullDevice() throws {
    let error = #expect(throws: WriteFailure.self) { try OutputWriter.write("x", to: "/dev/full") }
    #expect(error?.code == ENOSPC)
    #expect(error?.description == "cannot write to /dev/full: No space left on device")
    #expect(WriteFailure.exitCode == 74)
  }

  @Test("leaves the old file until it's finished, and nothing when it's dropped")
  func atomic() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("report.json")
    try OutputWriter.write("old", to: path)
    do {
      let writer = try OutputWriter(path: path)
      try writer.write("new")
      try writer.flush()
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
      #expect(try folder.names.count == 2)
    }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
    #expect(try folder.names == ["report.json"])
  }

  @Test("keeps the rights of the file that it replaces, and a link stays a link")
  func rightsAndLinks() throws {
    let folder = try TemporaryFolder()
    try OutputWriter.write("old", to: folder.path("target"))
    #expect(chmod(folder.path("target"), 0o640) == 0)
    #expect(symlink("target", folder.path("link")) == 0)
    try OutputWriter.write("new", to: folder.path("link"))
    var status = stat()
    #expect(lstat(folder.path("link"), &status) == 0)
    #expect(status.st_mode & S_IFMT == S_IFLNK)
    #expect(stat(folder.path("target"), &status) == 0)
    #expect(status.st_mode & 0o777 == 0o640)
    #expect(try String(contentsOfFile: folder.path("target"), encoding: .utf8) == "new")
  }

  @Test("into a folder that isn't there, or over a folder, is an error")
  func missingFolder() throws {
    let folder = try TemporaryFolder()
    let missing = #expect(throws: WriteFailure.self) {
      try OutputWriter.write("x", to: folder.path("none/out"))
    }
    #expect(missing?.code == ENOENT)
    let directory = #expect(throws: WriteFailure.self) {
      try OutputWriter.write("x", to: folder.url.path)
    }
    #expect(directory?.code == EISDIR)
  }

  @Test("to a pipe whose reader has gone is quietly dropped")
  func brokenPipe() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("pipe")
    #expect(mkfifo(path, 0o600) == 0)
    let reader = open(path, O_RDONLY | O_NONBLOCK)
    #expect(reader >= 0)
    let writer = try OutputWriter(path: path)
    try writer.write("first\n")
    try writer.flush()
    #expect(!writer.readerHasGone)
    close(reader)
    try writer.write("second\n")
    try writer.flush()
    #expect(writer.readerHasGone)
    try writer.write(String(repeating: "x", count: 200_000))
    try writer.finish()
  }

  #if compiler(>=6.2)
    @Test("to a standard output that is full ends a command with its exit code")
    func fullStandardOutput() async {
      await #expect(processExitsWith: .exitCode(WriteFailure.exitCode)) {
        dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO)
        do throws(WriteFailure) {
          try OutputWriter.write("a report\n")
          exit(0)
        } catch {
          exit(error.target == "standard output" ? WriteFailure.exitCode : 1)
        }
      }
    }

    @Test("to a standard output whose reader has gone is a success")
    func goneReader() async {
      await #expect(processExitsWith: .exitCode(0)) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { exit(1) }
        dup2(ends[1], STDOUT_FILENO)
        close(ends[0])
        do throws(WriteFailure) {
          try OutputWriter.write(String(repeating: "a long report\n", count: 100_000))
          exit(0)
        } catch {
          exit(1)
        }
      }
    }
  #endif
}
