// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries
import Foundation
import Residency

/// Reads of experts, demands before what is fetched ahead.
final class RehearsalReads {
  /// A read that has ended.
  struct Ended {
    var block: BlockID
    var began: Double
    var ended: Double
  }

  private let reader: OpaquePointer
  private let file: ExpertFile
  private let expertBytes: Int
  private let pieceBytes: Int
  private var copy: RawMemory?
  /// The request that brings each block, and the block that is on its way into each place.
  private var requests: [BlockID: Int64] = [:]
  private var placeOf: [BlockID: Int] = [:]
  private var underWay: [Int: BlockID] = [:]

  init(
    _ file: ExpertFile, expertBytes: Int, settings: RehearsalSettings
  ) throws(RehearsalRefusal) {
    self.file = file
    self.expertBytes = expertBytes
    let pages = file.stride / RehearsalModel.alignment
    let pieces = max(1, min(settings.pieces, pages))
    pieceBytes = (pages + pieces - 1) / pieces * RehearsalModel.alignment
    var code: Int32 = 0
    switch settings.source {
    case .drive:
      guard let reader = ccl_reader_open(file.path, Int32(settings.readers), true, &code) else {
        throw RehearsalRefusal(
          "cannot read \(file.path) past the page cache: \(String(cString: strerror(code)))")
      }
      self.reader = reader
    case .memory:
      let copy = try Self.load(file)
      guard let reader = ccl_reader_open_memory(copy.base, copy.bytes, Int32(settings.readers))
      else { throw RehearsalRefusal("no \(settings.readers) threads can be had") }
      self.copy = copy
      self.reader = reader
    }
    setPace(settings.pace)
  }

  deinit { ccl_reader_close(reader) }

  private static func load(_ file: ExpertFile) throws(RehearsalRefusal) -> RawMemory {
    let memory = try RawMemory(bytes: file.bytes)
    var code: Int32 = 0
    guard let reader = ccl_reader_open(file.path, 1, false, &code) else {
      throw RehearsalRefusal("cannot read \(file.path): \(String(cString: strerror(code)))")
    }
    defer { ccl_reader_close(reader) }
    let request = ccl_reader_submit(reader, 0, file.bytes, memory.base, 16 << 20, true)
    let times = ccl_reader_wait(reader, request)
    guard times.error == 0 else {
      throw RehearsalRefusal("cannot read \(file.path): \(String(cString: strerror(times.error)))")
    }
    return memory
  }

  /// Holds reads to a rate [bytes/s], or to none.
  func setPace(_ rate: Double?) { ccl_reader_set_rate(reader, rate ?? 0) }

  /// Begins the read of a block into a place.
  func begin(_ block: BlockID, into memory: UnsafeMutableRawPointer, place: Int, urgent: Bool) {
    precondition(
      underWay[place] == nil && requests[block] == nil, "A place takes one read at a time.")
    requests[block] = ccl_reader_submit(
      reader, UInt64(block.index * file.stride), file.stride, memory, pieceBytes, urgent)
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
  func hasEnded(_ block: BlockID) -> Bool {
    requests[block].map { ccl_reader_is_done(reader, $0) } ?? true
  }

  /// Makes a read urgent.
  func hurry(_ block: BlockID) {
    if let request = requests[block] { ccl_reader_hurry(reader, request) }
  }

  /// Waits for a block's read.
  ///
  /// - Throws: ``RehearsalRefusal`` when it failed.
  func wait(_ block: BlockID) throws(RehearsalRefusal) -> Ended? {
    guard let request = requests.removeValue(forKey: block) else { return nil }
    let times = ccl_reader_wait(reader, request)
    if let place = placeOf.removeValue(forKey: block) { underWay[place] = nil }
    guard times.error == 0 else {
      throw RehearsalRefusal("cannot read \(file.path): \(String(cString: strerror(times.error)))")
    }
    return Ended(block: block, began: times.began, ended: times.ended)
  }

  /// The blocks on their way, by number.
  var blocks: [BlockID] { requests.keys.sorted() }
}
