// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries
import Foundation

/// A file of random experts of true sizes, one after the other, each at a multiple of 4 KiB.
///
/// Every page carries a stamp of two small numbers, which block it belongs to and which page of it
/// it is, so that what stands in memory can be checked after it was read.
public struct ExpertFile: Sendable {
  /// The file.
  public let path: String
  /// Experts in it.
  public let blocks: Int
  /// What each takes [bytes].
  public let stride: Int

  /// The file's size [bytes].
  public var bytes: Int { blocks * stride }

  /// A file that stands there, or will.
  public init(path: String, blocks: Int, stride: Int) {
    self.path = path
    self.blocks = blocks
    self.stride = stride
  }

  /// The first bits of a stamp, which make it a float of about 0.01.
  private static let stampBits: UInt32 = 0x3C00_0000
  private static let stampMask: UInt32 = 0x007F_FFFF

  private static func stamp(_ page: UnsafeMutableRawPointer, block: Int, number: Int) {
    let words = page.assumingMemoryBound(to: UInt32.self)
    words[0] = stampBits | (UInt32(truncatingIfNeeded: block) & stampMask)
    words[1] = stampBits | (UInt32(truncatingIfNeeded: number) & stampMask)
  }

  /// Whether memory holds a block, all of its pages in their places.
  public func holds(_ memory: UnsafeRawPointer, block: Int) -> Bool {
    let alignment = RehearsalModel.alignment
    for page in 0..<stride / alignment {
      let words = (memory + page * alignment).assumingMemoryBound(to: UInt32.self)
      guard words[0] == Self.stampBits | (UInt32(truncatingIfNeeded: block) & Self.stampMask),
        words[1] == Self.stampBits | (UInt32(truncatingIfNeeded: page) & Self.stampMask)
      else { return false }
    }
    return true
  }

  /// Whether the file stands there with its first and last page as they should be.
  public var isThere: Bool {
    guard let handle = FileHandle(forReadingAtPath: path) else { return false }
    defer { try? handle.close() }
    guard let end = try? handle.seekToEnd(), end == UInt64(bytes) else { return false }
    for (block, page) in [(0, 0), (blocks - 1, stride / RehearsalModel.alignment - 1)] {
      let offset = UInt64(block * stride + page * RehearsalModel.alignment)
      guard (try? handle.seek(toOffset: offset)) != nil,
        let data = try? handle.read(upToCount: 8), data.count == 8
      else { return false }
      let words = data.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }
      guard words[0] == Self.stampBits | UInt32(block), words[1] == Self.stampBits | UInt32(page)
      else { return false }
    }
    return true
  }

  /// Writes the file and leaves nothing of it in the page cache.
  ///
  /// - Throws: ``RehearsalRefusal`` where it cannot be written.
  public func write(progress: ((Double) -> Void)? = nil) throws(RehearsalRefusal) {
    let tile = min(stride, 8 << 20) / RehearsalModel.alignment * RehearsalModel.alignment
    guard let memory = ccl_allocate(tile, false) else {
      throw RehearsalRefusal("no memory to write \(path)")
    }
    defer { ccl_free(memory, tile) }
    ccl_fill_float(
      memory.assumingMemoryBound(to: Float.self), tile / MemoryLayout<Float>.size, 1, 0.03)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("create") }
    defer { close(descriptor) }
    let pages = stride / RehearsalModel.alignment
    for block in 0..<blocks {
      var page = 0
      while page < pages {
        let count = min(tile / RehearsalModel.alignment, pages - page)
        for index in 0..<count {
          Self.stamp(memory + index * RehearsalModel.alignment, block: block, number: page + index)
        }
        try put(
          memory, count * RehearsalModel.alignment,
          at: block * stride + page * RehearsalModel.alignment, to: descriptor)
        page += count
      }
      progress?(Double(block + 1) / Double(blocks))
    }
    guard fsync(descriptor) == 0 else { throw failure("write") }
    // What is read later comes from the drive, and memory is for others.
    #if os(Linux)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    #endif
  }

  private func put(
    _ memory: UnsafeRawPointer, _ count: Int, at offset: Int, to descriptor: Int32
  ) throws(RehearsalRefusal) {
    var done = 0
    while done < count {
      let written = pwrite(descriptor, memory + done, count - done, off_t(offset + done))
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw failure("write") }
      done += written
    }
  }

  private func failure(_ operation: String) -> RehearsalRefusal {
    RehearsalRefusal("cannot \(operation) \(path): \(String(cString: strerror(errno)))")
  }

  /// Removes the file.
  public func remove() { unlink(path) }
}
