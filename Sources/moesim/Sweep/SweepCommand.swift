// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser

/// `moesim sweep`: many scenarios, here or on many machines.
struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Run many scenarios that differ in some keys, and keep every result.",
    discussion: """
      'sweep run' does all of it on this machine, or on a Dask cluster. 'sweep plan', 'sweep shard', \
      'sweep status' and 'sweep merge' are its steps, for shell scripts and queueing systems. See \
      docs/studies.md.
      """,
    subcommands: [
      SweepRunCommand.self, SweepPlanCommand.self, SweepShardCommand.self, SweepStatusCommand.self,
      SweepMergeCommand.self,
    ])
}

/// What is swept: shared by the commands that read a study.
struct StudyArguments: ParsableArguments {
  @Argument(help: "A study file, or a scenario: a file, or a name in scenarios/.")
  var study: String

  @Option(
    name: .customLong("vary"),
    help: ArgumentHelp(
      "Vary a key: key=value,value or key=first..last+step or key=first..last*factor. Repeatable.",
      valueName: "key=values"))
  var axes: [String] = []

  @Option(
    name: .customLong("set"),
    help: "Set a key of every scenario, e.g. --set policy.eviction=lfu. Repeatable.")
  var overrides: [String] = []

  @Option(help: "Replications of each point, with other randomness each.")
  var replications: Int?

  @Option(
    help: ArgumentHelp(
      "Give a run up after so long, e.g. '60 s'.", valueName: "duration"))
  var timeout: String?

  func validate() throws {
    if let replications, !(1...100_000).contains(replications) {
      throw ValidationError("--replications \(replications): expected 1 to 100000.")
    }
  }
}
