// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// The same scenario and seed give the same bytes: in every process, and, since debug and release
/// builds are both held to one recorded report, in every build.
///
/// A change that is meant to change results is recorded by running this test with
/// `MOESIM_RECORD=1` in the environment; the difference then shows in review what it changed.
@Suite("Determinism")
struct DeterminismTests {
  static let golden = Checkout.root.appending(path: "Tests/Golden/quickstart-12.json")

  /// The report of a short quickstart without what depends on the host.
  private static func report() throws -> String {
    let run = try Program.run([
      "simulate", "scenarios/quickstart.yaml", "--set", "workload.requests=12",
      "--set", "workload.rate_scale=0.02", "--set", "run.improvements=false", "--format", "json",
    ])
    #expect(run.code == 0, "\(run.errors)")
    var object = try #require(
      JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    #expect(object.removeValue(forKey: "run_info") != nil)
    let data = try JSONSerialization.data(
      withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  @Test("two processes print the same report, and it is the recorded one")
  func reportsAreEqual() throws {
    let first = try Self.report()
    let second = try Self.report()
    #expect(first == second)
    if ProcessInfo.processInfo.environment["MOESIM_RECORD"] == "1" {
      try first.write(to: Self.golden, atomically: true, encoding: .utf8)
    }
    let recorded = try String(contentsOf: Self.golden, encoding: .utf8)
    #expect(first == recorded)
  }
}
