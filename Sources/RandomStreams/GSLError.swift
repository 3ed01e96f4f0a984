// SPDX-License-Identifier: GPL-3.0-or-later

internal import CGSL

/// An error that the GNU Scientific Library reported by a status.
public struct GSLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// GSL's error number, e.g. 1 for a domain error, 8 for memory, 11 for too many iterations.
  public let status: Int32
  /// The function of GSL that failed.
  public let function: String

  /// The error of a function with its status.
  public init(status: Int32, function: String) {
    self.status = status
    self.function = function
  }

  /// What failed and why, in GSL's words.
  public var description: String {
    "\(function): \(String(cString: gsl_strerror(status))) (GSL status \(status))"
  }

  /// Throws when a status is not success.
  public static func check(_ status: Int32, _ function: String) throws(GSLError) {
    if status != 0 { throw GSLError(status: status, function: function) }
  }
}

/// The library as a whole.
public enum GSL {
  private static let prepared: Void = { cgsl_prepare() }()

  /// Turns off GSL's error handler, which would abort the process; errors then come as statuses.
  ///
  /// Everything in this module calls it; a module that calls GSL itself does so first.
  public static func prepare() { _ = prepared }

  /// The version of the library whose headers were compiled against, e.g. "2.7.1".
  public static var version: String { GSL_VERSION }
}
