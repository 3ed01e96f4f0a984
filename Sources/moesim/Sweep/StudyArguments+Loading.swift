// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Studies
import Units

extension StudyArguments {
  /// The study that the arguments name.
  ///
  /// - Throws: `MissingFile`, `Diagnostics`, or a `ValidationError` for a wrong option.
  func load() throws -> Study {
    var study = try Study.load(
      self.study, overrides: overrides, axes: try axes.map { try StudyAxis(parsing: $0) })
    if let replications { study.replications = replications }
    if let timeout {
      guard let value = try? Quantity(parsing: timeout, as: .seconds).value, value > 0 else {
        throw ValidationError("--timeout '\(timeout)': expected a duration such as '60 s'.")
      }
      study.timeoutSeconds = value
    }
    return study
  }

  /// The shards that a plan is divided into: so many for each of the jobs that none waits long for the last,
  /// and fewer where each has a process of its own.
  static func shards(jobs: Int, wanted: Int?, engine: SweepRunCommand.Engine) -> Int {
    wanted ?? jobs * (engine == .local ? 32 : 4)
  }
}
