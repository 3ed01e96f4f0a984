// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser

/// Reads, measures, fits and checks timings of real machines.
struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Reads, measures, fits and checks timings of real machines.",
    subcommands: [
      CalibrateMeasureCommand.self, CalibrateImportCommand.self, CalibrateFitCommand.self,
      CalibrateCheckCommand.self,
    ])
}
