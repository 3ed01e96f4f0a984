// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Calibration

@Suite struct DriveReaderTests {
  /// A file of 3 MiB whose 32-bit words are their own numbers, and its content.
  static func withFile(_ body: (String, [UInt32]) throws -> Void) throws {
    let words = (0..<UInt32(3 << 18)).map { $0 }
    let path = FileManager.default.temporaryDirectory
      .appending(path: "moesim-reader-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try words.withUnsafeBytes { try Data($0).write(to: URL(filePath: path)) }
    try body(path, words)
  }

  @Test(
    "Reads in pieces bring the file's bytes, in any order and number", arguments: [false, true])
  func readsPieces(isDirect: Bool) throws {
    try Self.withFile { path, words in
      guard let reader = try? DriveReader(path: path, depth: 4, isDirect: isDirect) else {
        #expect(isDirect, "Only direct reads may be refused.")
        print("skipped: the file system refuses O_DIRECT")
        return
      }
      let buffer = try LockableMemory(bytes: 3 << 20)
      let requests = [(0, 1 << 20), (2 << 20, 1 << 20), (1 << 20, 1 << 20)].map {
        reader.submit(
          offset: $0.0, length: $0.1, into: buffer.base + $0.0, chunk: 64 << 10,
          isUrgent: $0.0 == 0)
      }
      for request in requests.reversed() {
        let times = try reader.wait(for: request)
        #expect(times.submitted <= times.began && times.began <= times.ended)
        #expect(!times.wasCancelled)
      }
      let values = buffer.values(of: UInt32.self)
      #expect((0..<words.count).allSatisfy { values[$0] == words[$0] })
    }
  }

  @Test("Reads past the end and of absent files are errors that name the file")
  func tellsOfErrors() throws {
    try Self.withFile { path, _ in
      let reader = try DriveReader(path: path, depth: 2, isDirect: false)
      let buffer = try LockableMemory(bytes: 1 << 20)
      let request = reader.submit(offset: 3 << 20, length: 4096, into: buffer.base)
      let error = #expect(throws: ComputeError.self) { try reader.wait(for: request) }
      #expect(error?.description.contains(path) == true)
    }
    let error = #expect(throws: ComputeError.self) {
      try DriveReader(path: "/nowhere/at-all", depth: 1)
    }
    #expect(error?.description.contains("/nowhere/at-all") == true)
  }

  @Test("A file system without O_DIRECT is told of")
  func tellsOfRefusal() throws {
    let path = "/dev/shm/moesim-reader-\(UUID().uuidString)"
    guard FileManager.default.createFile(atPath: path, contents: Data(count: 4096)) else { return }
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      _ = try DriveReader(path: path, depth: 1)
    } catch {
      #expect("\(error)".contains("O_DIRECT"))
    }
  }

  @Test("Pieces that have not begun can be dropped, urgent requests overtake")
  func ordersRequests() throws {
    let source = try LockableMemory(bytes: 1 << 20)
    let reader = try DriveReader(memory: source, depth: 1)
    reader.setRate(20e6)
    let buffer = try LockableMemory(bytes: 1 << 20)
    let first = reader.submit(
      offset: 0, length: 400_000, into: buffer.base, chunk: 100_000, isUrgent: false)
    let second = reader.submit(
      offset: 0, length: 400_000, into: buffer.base, chunk: 100_000, isUrgent: false)
    let urgent = reader.submit(offset: 0, length: 100_000, into: buffer.base + 500_000)
    let urgentTimes = try reader.wait(for: urgent)
    reader.cancel(second)
    #expect(try reader.wait(for: second).wasCancelled)
    let firstTimes = try reader.wait(for: first)
    #expect(!firstTimes.wasCancelled)
    #expect(urgentTimes.ended < firstTimes.ended)
    // Five pieces at 20 MB/s cannot have taken less than 25 ms.
    #expect(max(urgentTimes.ended, firstTimes.ended) - firstTimes.began >= 0.0249)
  }
}
