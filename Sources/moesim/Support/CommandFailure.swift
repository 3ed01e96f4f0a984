// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Experiments
import Policies
import Reports
import Routing
import Serving
import Studies
import Workload

/// How commands fail: one message on standard error, and a code that says what kind of failure.
enum CommandFailure {
  /// The run failed.
  static let failed = ExitCode(1)
  /// A limit of `--require` was missed.
  static let limitMissed = ExitCode(RequireLimit.exitCode)
  /// The scenario does not fit in a memory.
  static let doesNotFit = ExitCode(3)
  /// Some runs of a sweep have no result.
  static let someFailed = ExitCode(4)
  /// The user interrupted the command.
  static let interrupted = ExitCode(130)
  /// The command was used wrongly (EX_USAGE).
  static let usage = ExitCode(64)
  /// A file holds bad data (EX_DATAERR).
  static let badData = ExitCode(65)
  /// A file is missing (EX_NOINPUT).
  static let missingInput = ExitCode(66)
  /// Output could not be written (EX_IOERR).
  static let writeFailed = ExitCode(WriteFailure.exitCode)

  /// Runs the work of a command; an error is told and becomes its exit code.
  static func guarded(_ work: () throws -> Void) throws {
    do {
      try work()
    } catch let error as ExitCode {
      throw error
    } catch let error as ValidationError {
      throw error
    } catch let error as CleanExit {
      throw error
    } catch {
      throw report(error)
    }
  }

  /// Tells of an error and answers its exit code.
  ///
  /// - Parameter file: The file that it is about, named where the error itself does not.
  static func report(_ error: any Error, about file: String? = nil) -> ExitCode {
    let text = "\(error)"
    let needsName = file.map { !text.contains($0) } ?? false
    StandardError.print(needsName ? "moesim: \(file ?? ""): \(text)" : "moesim: \(text)")
    return code(of: error)
  }

  /// Throws code 2 after telling of every limit that a result misses.
  static func check(_ limits: [RequireLimit], against results: [SimulationResult]) throws {
    var isMissed = false
    for limit in limits {
      for result in results {
        if let miss = try limit.evaluate(result).miss {
          StandardError.print("moesim: \(miss)")
          isMissed = true
        }
      }
    }
    if isMissed { throw limitMissed }
  }

  /// The exit code of an error.
  static func code(of error: any Error) -> ExitCode {
    switch error {
    case let code as ExitCode: code
    case is WriteFailure, is RoutingTraceWriteError: writeFailed
    case is MissingFile: missingInput
    case let problem as ResultStore.Problem: problem.isWriteFailure ? writeFailed : badData
    case is SweepPlanFile.Problem, is RecordCollection.Conflict: badData
    case is ReportInput.Problem, is TimelineWindow.Problem: badData
    case is SweepMerge.Unfinished: someFailed
    case is AxisComparison.Problem, is ResultTable.Problem, is StudyCurves.Problem: usage
    case is AppendFileFailure: writeFailed
    case is Diagnostic, is Diagnostics, is RoutingTraceError, is WorkloadError,
      is InvalidRoutingParameters, is RoutingSequenceTooShort, is RoutingMismatch,
      is UnknownTimingErrors:
      badData
    case is DoesNotFit, is RehearsalTooLong: doesNotFit
    case is RequireLimitError, is EvictionError: usage
    case let error as CacheReplayError:
      if case .expertBytes = error { badData } else { usage }
    default: failed
    }
  }
}
