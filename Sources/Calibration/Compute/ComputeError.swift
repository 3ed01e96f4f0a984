// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Why a computation, a read or an allocation cannot be had on this machine.
public struct ComputeError: Error, CustomStringConvertible, Equatable {
  /// What is wrong, and what to do about it.
  public var description: String

  /// Creates an error of a sentence.
  public init(_ description: String) {
    self.description = description
  }

  /// What an error number of the system means.
  static func name(of number: Int32) -> String { String(cString: strerror(number)) }
}
