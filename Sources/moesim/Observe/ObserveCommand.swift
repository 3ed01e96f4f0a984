// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser

/// `moesim observe`: measured runs beside simulated ones.
struct ObserveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "observe",
    abstract: "Set what was measured beside a simulation of the same.",
    subcommands: [ObserveRunCommand.self, ObservePointsCommand.self],
    defaultSubcommand: ObserveRunCommand.self)
}
