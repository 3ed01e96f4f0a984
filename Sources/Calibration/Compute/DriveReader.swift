// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries
import Foundation

/// Reads of a file past the page cache, a number of them under way at once.
///
/// Each read under way has a thread that waits for it in `pread`. Requests are served in order of
/// arrival, urgent ones first, each in pieces of a chosen size; so one request keeps several reads
/// under way.
public final class DriveReader {
  /// One request, to be waited for once.
  public struct Request: Hashable, Sendable {
    let number: Int64
  }

  /// When a request's stages were [s, on the clock of `now`].
  public struct Times: Hashable, Sendable {
    /// Handed in.
    public var submitted: Double
    /// Its first read began.
    public var began: Double
    /// Its last read ended.
    public var ended: Double
    /// Whether pieces were dropped by `cancel`.
    public var wasCancelled: Bool
  }

  /// What offsets, lengths and buffers of direct reads are multiples of.
  public static let alignment = 4096

  /// The path, for messages; "memory" where there is none.
  public let path: String
  /// Whether reads go past the page cache.
  public let isDirect: Bool
  private let reader: OpaquePointer
  /// Kept while reads copy from it.
  private let memory: LockableMemory?

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - depth: Reads under way at once.
  ///   - isDirect: Past the page cache, by O_DIRECT.
  /// - Throws: `ComputeError` where the file cannot be opened so.
  public init(path: String, depth: Int, isDirect: Bool = true) throws {
    precondition(depth >= 1, "At least one read is under way.")
    var error: Int32 = 0
    guard let reader = ccl_reader_open(path, Int32(depth), isDirect, &error) else {
      if isDirect, error == EINVAL || error == ENOTSUP || error == EOPNOTSUPP {
        throw ComputeError(
          "the file system of \(path) refuses O_DIRECT (tmpfs and some network and overlay file "
            + "systems do); choose a folder on a drive")
      }
      throw ComputeError("\(path) cannot be opened: \(ComputeError.name(of: error))")
    }
    self.reader = reader
    self.path = path
    self.isDirect = isDirect
    memory = nil
  }

  /// Reads from memory instead: copies that stand for a link.
  public init(memory: LockableMemory, depth: Int) throws {
    precondition(depth >= 1, "At least one read is under way.")
    guard let reader = ccl_reader_open_memory(memory.base, memory.count, Int32(depth)) else {
      throw ComputeError("the system gives no \(depth) threads")
    }
    self.reader = reader
    self.memory = memory
    path = "memory"
    isDirect = false
  }

  deinit { ccl_reader_close(reader) }

  /// The clock of `Times` [s].
  public static var now: Double { ccl_now() }

  /// Paces reads as one link of so many bytes a second would, each piece in turn; nil for no pace.
  public func setRate(_ bytesPerSecond: Double?) {
    ccl_reader_set_rate(reader, bytesPerSecond ?? 0)
  }

  /// Hands in a read.
  ///
  /// - Parameters:
  ///   - chunk: Bytes of a piece; nil for one piece.
  ///   - isUrgent: Goes before the waiting pieces of requests that are not.
  public func submit(
    offset: Int, length: Int, into buffer: UnsafeMutableRawPointer, chunk: Int? = nil,
    isUrgent: Bool = true
  ) -> Request {
    if isDirect {
      precondition(
        offset % Self.alignment == 0 && length % Self.alignment == 0
          && Int(bitPattern: buffer) % Self.alignment == 0 && (chunk ?? 0) % Self.alignment == 0,
        "Direct reads are at multiples of \(Self.alignment) bytes.")
    }
    return Request(
      number: ccl_reader_submit(reader, UInt64(offset), length, buffer, chunk ?? 0, isUrgent))
  }

  /// Makes a request urgent.
  public func hurry(_ request: Request) { ccl_reader_hurry(reader, request.number) }

  /// Drops the pieces of a request that have not begun and waits for those that have. The request is
  /// waited for afterwards like any other.
  public func cancel(_ request: Request) { ccl_reader_cancel(reader, request.number) }

  /// Whether a request has ended.
  public func isDone(_ request: Request) -> Bool { ccl_reader_is_done(reader, request.number) }

  /// Waits until a request has ended.
  ///
  /// - Throws: `ComputeError` where a read failed.
  @discardableResult
  public func wait(for request: Request) throws -> Times {
    let times = ccl_reader_wait(reader, request.number)
    guard times.error == 0 || times.error == ECANCELED else {
      throw ComputeError("a read of \(path) failed: \(ComputeError.name(of: times.error))")
    }
    return Times(
      submitted: times.submitted, began: times.began, ended: times.ended,
      wasCancelled: times.error == ECANCELED)
  }
}
