// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Experiments
import Foundation
import Reports
import Routing
import Serving

/// How commands fail: one clear message on standard error, and a documented exit code.
///
/// | code | meaning |
/// |---|---|
/// | 0 | ok |
/// | 1 | a run failed |
/// | 2 | a `--require` limit was missed |
/// | 3 | the model does not fit |
/// | 64 | wrong usage |
/// | 65 | wrong data |
/// | 66 | an input is missing |
/// | 74 | a write failed |
enum CommandFailure {
  static let runFailed = ExitCode(1)
  static let limitMissed = ExitCode(RequireLimit.exitCode)
  static let doesNotFit = ExitCode(3)
  static let wrongUsage = ExitCode(64)
  static let wrongData = ExitCode(65)
  static let missingInput = ExitCode(66)
  static let writeFailed = ExitCode(WriteFailure.exitCode)

  /// Runs a command's work and turns what it throws into a message and an exit code.
  static func guarded(_ work: () throws -> Void) throws {
    do {
      try work()
    } catch let code as ExitCode {
      throw code
    } catch {
      report("moesim: \(error)")
      throw code(of: error)
    }
  }

  /// The exit code of an error.
  static func code(of error: any Error) -> ExitCode {
    switch error {
    case is DoesNotFit: doesNotFit
    case is MissingFile: missingInput
    case is WriteFailure: writeFailed
    case is RequireLimitError: wrongUsage
    case is Diagnostic, is Diagnostics, is RoutingTraceError, is RoutingMismatch,
      is InvalidRoutingParameters, is UnsupportedModel:
      wrongData
    default: runFailed
    }
  }

  /// Exits with 2 when a result misses a limit, after saying which.
  static func check(_ limits: [RequireLimit], against results: [SimulationResult]) throws {
    var missed = false
    for result in results {
      for limit in limits {
        if let miss = try limit.evaluate(result).miss {
          report("moesim: \(miss)")
          missed = true
        }
      }
    }
    if missed { throw limitMissed }
  }

  /// Writes a line to standard error.
  static func report(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}
