// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Experiments
import Reports

/// `moesim check`: whether files are right, and everything that is wrong with them.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check scenarios, profiles, models, policies and traces.",
    discussion: """
      What a file is meant to be is recognised by its content. Files that are right are listed on \
      standard output; what is wrong with the others goes to standard error, all of it at once. Exit \
      code 65 when a file is wrong, 66 when one is missing and none is wrong.
      """)

  @Argument(help: "The files.")
  var files: [String]

  func run() throws {
    try CommandFailure.guarded {
      var text = ""
      var worst: ExitCode?
      for file in files {
        do {
          let kind = try FileCheck(path: file).run()
          text += "\(file): \(kind), right\n"
        } catch {
          let code = CommandFailure.report(error, about: file)
          if worst == nil || code == CommandFailure.badData { worst = code }
        }
      }
      try OutputWriter.write(text)
      if let worst { throw worst }
    }
  }
}
