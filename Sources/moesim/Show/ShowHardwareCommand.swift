// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Hardware
import Reports

/// `moesim show hardware`: a machine's figures, each with its source.
struct ShowHardwareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hardware", abstract: "Show a machine's figures, each with its source.")

  @Argument(help: "A name in hardware-profiles/, or a path.")
  var name: String

  @OptionGroup var options: ListingOptions

  func run() throws {
    try CommandFailure.guarded {
      let machine = try ProfileLibrary.standard().machine(name)
      let listing = ProfileListing(
        name: machine.name, summary: machine.summary, entries: machine.describe())
      try OutputWriter.write(listing.text(options.format, style: options.style), to: options.output)
    }
  }
}
