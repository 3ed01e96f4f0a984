// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// The tutorial's listings of a rule stand in the catalogue of the documentation, where nothing compiles them.
@Suite("The tutorial on eviction rules")
struct EvictionTutorialTests {
  @Test("ends with the rule as it ships")
  func lastListing() throws {
    #expect(try listing(3) == text("Sources/Policies/Eviction/LIFOEviction.swift"))
  }

  @Test("comes to it by adding at the end", arguments: [1, 2])
  func earlierListing(number: Int) throws {
    var lines = try listing(number).split(separator: "\n", omittingEmptySubsequences: false)
    // Each listing closes the type, which the next one goes on with.
    #expect(lines.suffix(2) == ["}", ""])
    lines.removeLast(2)
    #expect(try listing(number + 1).hasPrefix(lines.joined(separator: "\n") + "\n"))
  }

  private func listing(_ number: Int) throws -> String {
    try text("Sources/Experiments/moesim.docc/Resources/rule-\(number).swift")
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Checkout.root.appending(path: path), encoding: .utf8)
  }
}
