// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Experiments
import Reports

/// The command line of moesim.
@main
struct MoesimCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "moesim",
    abstract: "Simulates the serving of Mixture-of-Experts language models.",
    discussion: """
      Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 the \
      run failed, 2 a limit of --require or --strict was missed, 3 the scenario does not fit in a memory or no plan fits, \
      4 some runs of a sweep have no result, 130 interrupted, 64 wrong usage, 65 bad data, 66 missing input, 74 output could not be written.
      """,
    version: "moesim \(MoesimVersion.current)",
    subcommands: [
      SimulateCommand.self, RehearseCommand.self, CompareCommand.self, PlanCommand.self,
      SweepCommand.self, ResultsCommand.self, ReportCommand.self, ValidateCommand.self,
      ObserveCommand.self,
      CacheCommand.self,
      CalibrateCommand.self, TraceCommand.self,
      CheckCommand.self, ListCommand.self, ShowCommand.self,
    ])

  /// Parses the arguments and runs the command that they name.
  ///
  /// Help and versions are written as results are: a full disk is an error there as well.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      let code = exitCode(for: error)
      let message = fullMessage(for: error)
      if code.isSuccess {
        do {
          try OutputWriter.write(message.isEmpty ? "" : message + "\n")
        } catch {
          exit(withError: CommandFailure.report(error))
        }
      } else if !message.isEmpty {
        StandardError.print(message)
      }
      exit(withError: code)
    }
  }
}
