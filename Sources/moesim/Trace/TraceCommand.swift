// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser

/// `moesim trace`: request traces and routing traces.
struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Inspect, import, fit and generate request traces and routing traces.",
    discussion: """
      Request traces say when requests arrive and how long they are; routing traces say which \
      experts each token chose. Formats are recognised by content.
      """,
    subcommands: [
      TraceInspectCommand.self, TraceImportCommand.self, TraceFitCommand.self,
      TraceGenerateCommand.self,
    ])
}
