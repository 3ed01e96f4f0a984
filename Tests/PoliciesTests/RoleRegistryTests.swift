// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Testing

@Suite("Roles by name")
struct RoleRegistryTests {
  private func settings(_ values: [(String, [Double])]) -> RoleSettings {
    var settings = RoleSettings()
    for (name, value) in values { settings.set(name, to: value) }
    return settings
  }

  private func recall(_ values: [(String, [Double])]) throws -> [Double] {
    let found = try RoleRegistry.find("recall", role: "predictor", in: RoleRegistry.prediction)
    return try #require(try found.make(settings(values)) as? RecallPrediction).recall
  }

  @Test("a recall is one share for all distances, or one for each")
  func recalls() throws {
    #expect(try recall([("recall", [0.9])]) == [0.9])
    #expect(try recall([("recall", [0.9]), ("distance", [3])]) == [0.9, 0.9, 0.9])
    #expect(try recall([("recall", [0.96, 0.9])]) == [0.96, 0.9])
    #expect(throws: RoleProblem.self) { try recall([("recall", [0.96, 0.9]), ("distance", [3])]) }
    #expect(throws: RoleProblem.self) { try recall([("distance", [3])]) }
  }

  @Test("what is not set has its default")
  func defaults() throws {
    let found = try RoleRegistry.find(
      "predicted", role: "prefetch policy", in: RoleRegistry.prefetch)
    let plain = try #require(try found.make() as? PredictedPrefetch)
    #expect(plain.depth == 1 && plain.count == nil)
    let set = try #require(
      try found.make(settings([("depth", [4]), ("count", [2])])) as? PredictedPrefetch)
    #expect(set.depth == 4 && set.count == 2)
  }
}
