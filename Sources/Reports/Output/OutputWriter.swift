// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Writes to standard output or a file, with the result of every system call checked.
///
/// A file is written under a temporary name beside its final one and renamed by ``finish()``, so
/// that nothing half-written ever stands under the final name; a writer that is dropped without
/// ``finish()`` leaves nothing. A path that is no regular file (`/dev/full`, a pipe) is written in
/// place. A reader of standard output that goes away (`| head`) is no error: what follows is
/// quietly dropped.
public final class OutputWriter {
  /// What is written to, for messages.
  public let target: String
  /// Whether the reader of standard output has gone, so that more output is of no use.
  public private(set) var readerHasGone = false
  /// The bytes that were handed over so far.
  public private(set) var byteCount = 0

  private var descriptor: Int32
  private let ownsDescriptor: Bool
  private var temporaryPath: String?
  private let finalPath: String?
  private var buffer: [UInt8] = []
  private static let bufferSize = 1 << 16

  private init(
    target: String, descriptor: Int32, ownsDescriptor: Bool, temporaryPath: String?,
    finalPath: String?
  ) {
    self.target = target
    self.descriptor = descriptor
    self.ownsDescriptor = ownsDescriptor
    self.temporaryPath = temporaryPath
    self.finalPath = finalPath
    buffer.reserveCapacity(Self.bufferSize)
    // Without this, a reader that goes away ends the process before write(2) can say so.
    signal(SIGPIPE, SIG_IGN)
  }

  /// A writer to standard output.
  public static func standardOutput() -> OutputWriter {
    OutputWriter(
      target: "standard output", descriptor: STDOUT_FILENO, ownsDescriptor: false,
      temporaryPath: nil, finalPath: nil)
  }

  /// A writer to a file, which is replaced by ``finish()`` if it exists.
  ///
  /// The file gets the rights of the one that it replaces, or those that the umask leaves; a
  /// symbolic link stays and its target is replaced.
  public convenience init(path: String) throws(WriteFailure) {
    let resolved = Self.resolved(path)
    var status = stat()
    let exists = stat(resolved, &status) == 0
    if exists, status.st_mode & S_IFMT == S_IFDIR {
      throw WriteFailure(target: path, operation: "write", code: EISDIR)
    }
    if exists, status.st_mode & S_IFMT != S_IFREG {
      let descriptor = open(resolved, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else {
        throw WriteFailure(target: path, operation: "open", code: errno)
      }
      self.init(
        target: path, descriptor: descriptor, ownsDescriptor: true, temporaryPath: nil,
        finalPath: nil)
      return
    }
    var template = Array("\(resolved).XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else {
      throw WriteFailure(target: path, operation: "create", code: errno)
    }
    let temporary = String(
      decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    _ = fchmod(descriptor, exists ? status.st_mode & 0o7777 : 0o666 & ~Self.userMask())
    self.init(
      target: path, descriptor: descriptor, ownsDescriptor: true, temporaryPath: temporary,
      finalPath: resolved)
  }

  deinit {
    abandon()
  }

  /// Writes a text to a file, or to standard output where the path is `nil` or "-".
  public static func write(_ text: String, to path: String? = nil) throws(WriteFailure) {
    let writer: OutputWriter
    if let path, path != "-" {
      writer = try OutputWriter(path: path)
    } else {
      writer = standardOutput()
    }
    try writer.write(text)
    try writer.finish()
  }

  /// Adds a text; it may stay in a buffer until ``flush()`` or ``finish()``.
  public func write(_ text: String) throws(WriteFailure) {
    var text = text
    let room = Self.bufferSize - buffer.count
    if text.utf8.count <= room {
      buffer.append(contentsOf: text.utf8)
      byteCount += text.utf8.count
      return
    }
    let failure: WriteFailure? = text.withUTF8 { bytes in
      do throws(WriteFailure) {
        try write(bytes)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }

  /// Adds bytes; they may stay in a buffer until ``flush()`` or ``finish()``.
  public func write(_ bytes: UnsafeBufferPointer<UInt8>) throws(WriteFailure) {
    byteCount += bytes.count
    if bytes.count <= Self.bufferSize - buffer.count {
      buffer.append(contentsOf: bytes)
      return
    }
    try flush()
    try put(UnsafeRawBufferPointer(bytes))
  }

  /// Hands all that was written to the system.
  public func flush() throws(WriteFailure) {
    guard !buffer.isEmpty else { return }
    defer { buffer.removeAll(keepingCapacity: true) }
    let failure: WriteFailure? = buffer.withUnsafeBytes { bytes in
      do throws(WriteFailure) {
        try put(bytes)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }

  /// Writes what is left, closes the file and gives it its name. Nothing may be written after it.
  public func finish() throws(WriteFailure) {
    guard descriptor >= 0 else { return }
    do throws(WriteFailure) {
      try flush()
      guard ownsDescriptor else { return }
      let closing = close(descriptor)
      let code = errno
      descriptor = -1
      guard closing == 0 else { throw WriteFailure(target: target, operation: "close", code: code) }
      if let temporaryPath, let finalPath {
        guard rename(temporaryPath, finalPath) == 0 else {
          throw WriteFailure(target: target, operation: "rename", code: errno)
        }
        self.temporaryPath = nil
      }
    } catch {
      abandon()
      throw error
    }
  }

  /// Closes the file and removes what was written of it; the file of the final name stays as it was.
  public func abandon() {
    if ownsDescriptor, descriptor >= 0 { close(descriptor) }
    if ownsDescriptor { descriptor = -1 }
    if let temporaryPath { unlink(temporaryPath) }
    temporaryPath = nil
    buffer.removeAll()
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws(WriteFailure) {
    precondition(descriptor >= 0, "Nothing is written after finish() or abandon().")
    guard !readerHasGone else { return }
    var offset = 0
    while offset < bytes.count {
      let written = Foundation.write(
        descriptor, bytes.baseAddress! + offset, bytes.count - offset)
      if written > 0 {
        offset += written
      } else if written < 0, errno == EINTR {
        continue
      } else if written < 0, errno == EAGAIN {
        try waitUntilWritable()
      } else if written < 0, errno == EPIPE, finalPath == nil {
        readerHasGone = true
        return
      } else {
        throw WriteFailure(
          target: target, operation: "write", code: written < 0 ? errno : EIO)
      }
    }
  }

  private func waitUntilWritable() throws(WriteFailure) {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    while poll(&request, 1, -1) < 0 {
      guard errno == EINTR else {
        throw WriteFailure(target: target, operation: "write", code: errno)
      }
    }
  }

  /// The path that a chain of symbolic links leads to, whether or not that exists.
  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func userMask() -> mode_t {
    let mask = umask(0)
    umask(mask)
    return mask
  }
}
