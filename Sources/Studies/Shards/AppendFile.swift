// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Writing to a part file failed; what was written before stays.
public struct AppendFileFailure: Error, CustomStringConvertible, Sendable {
  /// The file.
  public var path: String
  /// Why, in the system's words.
  public var reason: String
  /// The file and the reason.
  public var description: String {
    "\(path): \(reason); what was written before stays, and running again goes on from there"
  }
}

/// A file to which whole lines are appended, each by one call of the system, from any thread.
final class AppendFile: @unchecked Sendable {
  /// The file.
  let path: String
  /// The descriptor, as long as the file is open.
  let descriptor: Int32

  init(path: String) throws(AppendFileFailure) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    if descriptor < 0 {
      throw AppendFileFailure(path: path, reason: String(cString: strerror(errno)))
    }
  }

  /// Appends text.
  ///
  /// A write that stops halfway leaves a torn line, which readers pass over.
  func append(_ text: String) throws(AppendFileFailure) {
    var text = text
    let failure = text.withUTF8 { bytes -> Int32 in
      var offset = 0
      while offset < bytes.count {
        let count = write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
        if count < 0 {
          if errno == EINTR { continue }
          return errno
        }
        offset += count
      }
      return 0
    }
    if failure != 0 {
      throw AppendFileFailure(path: path, reason: String(cString: strerror(failure)))
    }
  }

  /// Has everything on the disk.
  func synchronize() throws(AppendFileFailure) {
    if fsync(descriptor) != 0 {
      throw AppendFileFailure(path: path, reason: String(cString: strerror(errno)))
    }
  }

  func close() { _ = Foundation.close(descriptor) }
}
