// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries
import Foundation

/// A file of random bytes on a drive, for reads that neither compression nor a cache can shorten.
///
/// Its name is removed as soon as it is open, so that its space is given back however the program ends.
public final class DriveFile {
  /// Bytes, a multiple of 2 MiB.
  public let bytes: Int
  /// What the file was called.
  public let name: String
  private let handle: FileHandle
  /// A path that opens it while this object lives.
  public var path: String { "/proc/self/fd/\(handle.fileDescriptor)" }

  /// Writes a file.
  ///
  /// - Throws: `ComputeError` where the folder cannot be written, has too little room, or its file
  ///   system refuses direct reads.
  public init(folder: String, bytes wanted: Int, progress: (Double) -> Void = { _ in }) throws {
    let piece = 64 << 20
    bytes = max(piece, wanted / piece * piece)
    name = "\(folder)/.moesim-measure-\(ProcessInfo.processInfo.processIdentifier)-\(UUID())"
    let room = try Self.room(of: folder)
    guard bytes + (1 << 30) <= room else {
      throw ComputeError(
        "\(folder) has \(room >> 20) MiB free, too little for a file of \(bytes >> 20) MiB and 1 GiB "
          + "to spare; choose another folder or a smaller --budget-disk")
    }
    let file = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      throw ComputeError("\(folder) cannot be written: \(ComputeError.name(of: errno))")
    }
    handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
    do {
      // Refused here before anything is written.
      _ = try DriveReader(path: name, depth: 1)
    } catch {
      unlink(name)
      throw error
    }
    unlink(name)
    let buffer = try LockableMemory(bytes: piece)
    for index in 0..<bytes / piece {
      ccl_fill_bytes(buffer.base, piece, UInt64(index))
      let data = Data(bytesNoCopy: buffer.base, count: piece, deallocator: .none)
      try handle.write(contentsOf: data)
      progress(Double((index + 1) * piece) / Double(bytes))
    }
    try handle.synchronize()
  }

  private static func room(of folder: String) throws -> Int {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else {
      throw ComputeError("\(folder) cannot be read: \(ComputeError.name(of: errno))")
    }
    return Int(status.f_bavail) * Int(status.f_frsize)
  }
}
