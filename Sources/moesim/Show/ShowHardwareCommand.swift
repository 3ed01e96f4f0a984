// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Hardware
import KernelTiming
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
        name: machine.name, summary: machine.summary, entries: machine.describe(),
        timings: try timings(of: machine))
      try OutputWriter.write(listing.text(options.format, style: options.style), to: options.output)
    }
  }

  /// The fitted laws of a machine's processor and of each kind of its GPUs.
  private func timings(of machine: MachineProfile) throws -> [ProfileListing.FittedTiming] {
    let collector = DiagnosticCollector()
    var timings =
      machine.cpu.timing.map { node in
        [
          ProfileListing.FittedTiming(
            path: "cpu.timing", laws: TimingLaws.read(node, over: .processor, into: collector))
        ]
      } ?? []
    try collector.throwIfAny()
    for (index, gpu) in machine.gpus.enumerated() {
      let isNew = !machine.gpus[..<index].contains { $0.name == gpu.name }
      guard isNew, gpu.timing != nil || gpu.timingOrigin != nil else { continue }
      timings.append(
        ProfileListing.FittedTiming(
          path: "gpus[\(index)].timing", laws: try TimingLaws(gpu: gpu)))
    }
    return timings
  }
}
