// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Hardware
import Reports

/// `moesim show runtime`: what a runtime's software costs, each figure with its source.
struct ShowRuntimeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runtime",
    abstract: "Show what a runtime's software costs, each figure with its source.")

  @Argument(help: "A name in hardware-profiles/runtimes/, or a path.")
  var name: String

  @OptionGroup var options: ListingOptions

  func run() throws {
    try CommandFailure.guarded {
      let runtime = try ProfileLibrary.standard().runtime(name)
      let listing = ProfileListing(
        name: runtime.name, summary: runtime.summary, entries: runtime.describe())
      try OutputWriter.write(listing.text(options.format, style: options.style), to: options.output)
    }
  }
}
