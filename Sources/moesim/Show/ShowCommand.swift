// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser

/// `moesim show`: one profile, model or scenario in full.
struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a machine, a runtime, a model or a scenario in full, with sources and origins.",
    subcommands: [
      ShowHardwareCommand.self, ShowRuntimeCommand.self, ShowModelCommand.self,
      ShowScenarioCommand.self,
    ])
}
