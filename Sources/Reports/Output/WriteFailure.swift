// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// A write that failed: a full disk, a missing folder, a lack of rights.
public struct WriteFailure: Error, CustomStringConvertible, Sendable, Equatable {
  /// The exit code of a command whose output could not be written (EX_IOERR).
  public static let exitCode: Int32 = 74

  /// What was written to: a path or "standard output".
  public let target: String
  /// What was tried: "create", "write", "close", "rename".
  public let operation: String
  /// The system's error number.
  public let code: Int32

  /// A failure with the error number of the system call that failed.
  public init(target: String, operation: String, code: Int32) {
    self.target = target
    self.operation = operation
    self.code = code
  }

  /// What could not be done and why: "cannot write to /dev/full: No space left on device".
  public var description: String {
    let verb = operation == "write" ? "write to" : operation
    return "cannot \(verb) \(target): \(String(cString: strerror(code)))"
  }
}
