// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// What the README shows is what its commands print.
@Suite("The README")
struct ReadmeTests {
  /// The commands that the README shows with their output, each with that output.
  static func transcripts() throws -> [(command: String, output: [Substring])] {
    let text = try String(
      contentsOf: Checkout.root.appending(path: "README.md"), encoding: .utf8)
    var found: [(command: String, output: [Substring])] = []
    for block in text.components(separatedBy: "```").enumerated() where block.offset % 2 == 1 {
      let lines = block.element.split(separator: "\n", omittingEmptySubsequences: false)
      guard lines.count > 1, lines[1].hasPrefix("$ "), lines[1].contains("moesim ") else {
        continue
      }
      found.append((String(lines[1].dropFirst(2)), Array(lines.dropFirst(2).dropLast())))
    }
    return found
  }

  #if !DEBUG
    @Test("shows what its commands print, but for what depends on the host")
    func transcriptsAreTrue() throws {
      let transcripts = try Self.transcripts()
      #expect(transcripts.count >= 3)
      for transcript in transcripts {
        let command = transcript.command.replacing(".build/release/moesim", with: "moesim")
        let run = try Program.shell(
          "export LC_ALL=C.UTF-8 COLUMNS=80 NO_COLOR=1; "
            + command.replacing("moesim ", with: "$moesim ", maxReplacements: 1))
        let printed = (run.output + run.errors).split(
          separator: "\n", omittingEmptySubsequences: false)
        #expect(Self.comparable(printed) == Self.comparable(transcript.output), "\(command)")
      }
    }
  #endif

  @Test("names its commands as they are")
  func commandsExist() throws {
    let help = try Program.run(["--help"]).output
    for transcript in try Self.transcripts() {
      let words = transcript.command.split(separator: " ")
      #expect(help.contains(words[1]))
    }
  }

  /// The lines without those that tell of the host, and without empty ones at the end.
  private static func comparable(_ lines: [Substring]) -> [Substring] {
    var result = lines
    if let place = lines.firstIndex(where: { $0.contains("; moesim ") }) {
      result.removeSubrange(place...)
    }
    while result.last?.allSatisfy(\.isWhitespace) == true { result.removeLast() }
    return result
  }
}
