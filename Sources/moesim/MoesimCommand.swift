// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser

/// The command line of moesim.
@main
struct MoesimCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "moesim",
    abstract: "Simulates the serving of Mixture-of-Experts language models.",
    subcommands: [SimulateCommand.self]
  )
}
