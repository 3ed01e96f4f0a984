// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import Reports

@Suite("Schema")
struct ReportSchemaTests {
  @Test("has an entry in the documentation for every key")
  func documented() throws {
    let text = try String(
      contentsOf: Checkout.root.appending(path: "docs/report-schema.md"), encoding: .utf8)
    for pattern in ReportSchema.patterns {
      #expect(text.contains("`\(pattern)`"), "\(pattern)")
    }
  }

  @Test("has no entry in the documentation for a key that doesn't exist")
  func nothingInvented() throws {
    let text = try String(
      contentsOf: Checkout.root.appending(path: "docs/report-schema.md"), encoding: .utf8)
    var documented = 0
    for line in text.split(separator: "\n") where line.hasPrefix("| `") {
      let cell = line.dropFirst(2).prefix { $0 != "|" }
      for key in cell.split(separator: "`").map(String.init)
      where key.contains("_") || key.contains(".") {
        #expect(ReportSchema.patterns.contains(key), "\(key)")
        documented += 1
      }
    }
    #expect(documented >= ReportSchema.patterns.count - 5)
  }

  @Test(
    "names what depends on the machine",
    arguments: [
      "utilization.<resource>", "resources.<resource>.mean_wait_ms",
      "traffic.<link>.<purpose>.bytes",
      "memory.<memory>.parts.<part>", "expert_cache.tiers.<tier>.layers.<layer>.hits",
      "time_ms_per_token.<part>", "energy.parts.<part>", "what_would_help.<resource>.factor",
    ])
  func patterns(pattern: String) {
    #expect(ReportSchema.patterns.contains(pattern))
  }
}
