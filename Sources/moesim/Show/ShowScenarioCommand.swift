// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Experiments
import Foundation
import Reports

/// `moesim show scenario`: the resolved whole with the origin of each value.
struct ShowScenarioCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scenario",
    abstract: "Show a scenario as it is resolved, with the origin of each value.",
    discussion: """
      Origins are lines of the scenario's file, places in other files, --set, or default. With \
      --format json the result is a scenario itself.
      """)

  @Argument(help: "A name in scenarios/, or a path.")
  var scenario: String

  @Option(
    name: .customLong("set"), help: "A setting path.to.key=value, laid over the file. Repeatable.")
  var overrides: [String] = []

  @OptionGroup var options: ListingOptions

  func run() throws {
    try CommandFailure.guarded {
      let scenario = try Scenario.load(scenario, overrides: overrides)
      if options.format == .json {
        return try OutputWriter.write(scenario.tree.json + "\n", to: options.output)
      }
      var listing = Listing([
        ("key", "key", false, 0), ("value", "value", false, 0), ("origin", "origin", false, 0),
      ])
      for leaf in Self.leaves(scenario.tree) {
        listing.append(
          [
            .text(leaf.path), .text(Self.text(leaf)), .text(Self.origin(leaf.location)),
          ], texts: [2: Self.shortOrigin(leaf.location, in: scenario.file)])
      }
      try options.write(listing)
    }
  }

  private static func leaves(_ node: ConfigurationNode) -> [ConfigurationNode] {
    guard let entries = node.mapping else { return [node] }
    return entries.flatMap { leaves($0.value) }
  }

  /// The place of a value, counted from the current folder where it lies below that.
  private static func origin(_ location: SourceLocation) -> String {
    let here = FileManager.default.currentDirectoryPath + "/"
    var location = location
    if location.file.hasPrefix(here) { location.file.removeFirst(here.count) }
    return "\(location)"
  }

  /// The same in few words, for a terminal: a line of the scenario itself, or `--set`.
  private static func shortOrigin(_ location: SourceLocation, in file: String) -> String {
    if location.file == file, location.line > 0 {
      return "line \(location.line):\(location.column)"
    }
    return location.file.hasPrefix("--set ") ? "--set" : origin(location)
  }

  private static func text(_ node: ConfigurationNode) -> String {
    if let elements = node.sequence {
      return "[" + elements.map(text).joined(separator: ", ") + "]"
    }
    return node.scalar ?? "null"
  }
}
