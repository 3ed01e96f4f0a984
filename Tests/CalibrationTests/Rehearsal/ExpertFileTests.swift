// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Calibration

@Suite("Files of experts")
struct ExpertFileTests {
  @Test("Each block is told from each other, and from a part that is elsewhere")
  func content() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "experts-\(UUID())").path
    let file = ExpertFile(path: path, blocks: 5, stride: 3 * 4096)
    defer { file.remove() }
    #expect(!file.isThere)
    try file.write()
    #expect(file.isThere)
    #expect(!ExpertFile(path: path, blocks: 4, stride: 3 * 4096).isThere)
    let data = try Data(contentsOf: URL(filePath: path))
    #expect(data.count == 5 * 3 * 4096)
    data.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      for block in 0..<5 {
        for other in 0..<5 {
          #expect(file.holds(base + block * file.stride, block: other) == (block == other))
        }
      }
      #expect(!file.holds(base + 4096, block: 0))
    }
    file.remove()
    #expect(!file.isThere)
  }

  @Test("A folder that is not there is told of")
  func absent() {
    let file = ExpertFile(path: "/no/such/folder/experts", blocks: 1, stride: 4096)
    #expect(throws: RehearsalRefusal.self) { try file.write() }
  }
}

@Suite("Paced reads")
struct PacedReadTests {
  @Test("No window of reads holds more bytes than the rate allows", arguments: [1, 3])
  func neverFaster(readers: Int) throws {
    let size = 64 * 1024
    let memory = try LockableMemory(bytes: 8 * size)
    let target = try LockableMemory(bytes: size)
    let reader = try DriveReader(memory: memory, depth: readers)
    let rate = 40e6
    reader.setRate(rate)
    let requests = (0..<12).map { index in
      reader.submit(
        offset: index % 8 * size, length: size, into: target.base,
        chunk: index % 2 == 0 ? nil : 4096)
    }
    // The clock is the reader's own; what is asserted is a bound that sleeping longer never breaks.
    let times = try requests.map { try reader.wait(for: $0) }
    let first = times.map(\.began).min() ?? 0
    let ends = times.map(\.ended).sorted()
    for (count, end) in ends.enumerated() {
      #expect(Double((count + 1) * size) <= rate * (end - first) * (1 + 1e-6))
    }
  }
}
