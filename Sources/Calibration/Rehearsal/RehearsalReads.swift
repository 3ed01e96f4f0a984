// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Reads of experts, demands before what is fetched ahead.
final class RehearsalReads {
  private let reader: DriveReader
  private let file: ExpertFile
  private let pieceBytes: Int
  /// The request that brings each block, and the block that is on its way into each place.
  private var requests: [BlockID: DriveReader.Request] = [:]
  private var placeOf: [BlockID: Int] = [:]
  private var underWay: [Int: BlockID] = [:]

  init(_ file: ExpertFile, settings: RehearsalSettings) throws {
    self.file = file
    let pages = max(1, settings.pieceBytes / RehearsalModel.alignment)
    pieceBytes = pages * RehearsalModel.alignment
    switch settings.source {
    case .drive: reader = try DriveReader(path: file.path, depth: settings.readers)
    case .memory: reader = try DriveReader(memory: Self.load(file), depth: settings.readers)
    }
    setPace(settings.pace)
  }

  /// The whole file in memory.
  private static func load(_ file: ExpertFile) throws -> LockableMemory {
    let memory = try LockableMemory(bytes: file.bytes)
    let reader = try DriveReader(path: file.path, depth: 1, isDirect: false)
    let request = reader.submit(
      offset: 0, length: file.bytes, into: memory.base, chunk: 16 << 20)
    try reader.wait(for: request)
    return memory
  }

  /// Holds reads to a rate [bytes/s], or to none.
  func setPace(_ rate: Double?) { reader.setRate(rate) }

  /// Begins the read of a block into a place.
  func begin(_ block: BlockID, into memory: UnsafeMutableRawPointer, place: Int, urgent: Bool) {
    precondition(
      underWay[place] == nil && requests[block] == nil, "A place takes one read at a time.")
    requests[block] = reader.submit(
      offset: block.index * file.stride, length: file.stride, into: memory, chunk: pieceBytes,
      isUrgent: urgent)
    underWay[place] = block
    placeOf[block] = place
  }

  /// The block that is on its way into a place.
  func block(into place: Int) -> BlockID? { underWay[place] }

  /// The place that a block is on its way into.
  func place(of block: BlockID) -> Int? { placeOf[block] }

  /// Whether a block is on its way; one that has come is until it is waited for.
  func isUnderWay(_ block: BlockID) -> Bool { requests[block] != nil }

  /// Whether a block's read has ended.
  func hasEnded(_ block: BlockID) -> Bool { requests[block].map { reader.isDone($0) } ?? true }

  /// Makes a read urgent.
  func hurry(_ block: BlockID) {
    if let request = requests[block] { reader.hurry(request) }
  }

  /// Waits for a block's read.
  ///
  /// - Returns: When it was, on the reader's clock; `nil` where none is under way.
  /// - Throws: `ComputeError` when it failed.
  func wait(_ block: BlockID) throws -> DriveReader.Times? {
    guard let request = requests.removeValue(forKey: block) else { return nil }
    if let place = placeOf.removeValue(forKey: block) { underWay[place] = nil }
    return try reader.wait(for: request)
  }

  /// The blocks on their way, by number.
  var blocks: [BlockID] { requests.keys.sorted() }
}
