// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Policies

/// What collectives carry, against the formulas and against counting.
@Suite("Collective volumes")
struct CollectiveVolumesTests {
  @Test("the volumes of arXiv 2410.12247, by hand")
  func formulas() {
    let volumes = CollectiveVolumes(devices: 4, bytes: 1600)
    #expect(volumes.tensorTensor == 2400)
    #expect(volumes.scatter == 1200)
    #expect(volumes.dataExpert(copies: 1) == 300)
    #expect(volumes.dataExpert(copies: 2.5) == 750)
    #expect(volumes.tensorExpert(copies: 2.5) == 1950)
    let alone = CollectiveVolumes(devices: 1, bytes: 1600)
    #expect(alone.tensorTensor == 0 && alone.tensorExpert(copies: 1) == 0)
  }

  /// All choices of `k` of `n` experts.
  static func choices(_ n: Int, _ k: Int) -> [[Int]] {
    if k == 0 { return [[]] }
    return (0..<n).flatMap { last in choices(last, k - 1).map { $0 + [last] } }
  }

  @Test(
    "copies and completed tokens, counted over all choices",
    arguments: [(8, 2, 4), (8, 3, 2), (12, 4, 3), (9, 3, 3)])
  func counting(experts: Int, choices: Int, devices: Int) {
    let spread = ExpertSpread(experts: experts, choices: choices, devices: devices)
    let all = Self.choices(experts, choices)
    let own = experts / devices
    for count in 1...own {
      // Expert e is the (e % own)-th of device e / own.
      var copies = 0
      var complete = 0
      for chosen in all {
        copies += Set(chosen.filter { $0 % own < count }.map { $0 / own }).count
        complete += chosen.allSatisfy { $0 % own < count } ? 1 : 0
      }
      let total = Double(all.count)
      #expect(abs(spread.copies(of: count) - Double(copies) / total) < 1e-12)
      #expect(abs(spread.complete(of: count) - Double(complete) / total) < 1e-12)
    }
    #expect(spread.copies >= 1 && spread.copies <= Double(min(choices, devices)))
    #expect(spread.complete(of: own) == 1)
  }

  @Test("tokens whose experts lie on few devices are sent to as many")
  func limited() {
    // DeepSeek-V2: 6 of 160 experts, on at most 3 of 8 devices.
    let spread = ExpertSpread(experts: 160, choices: 6, devices: 8, limit: 3)
    #expect(abs(spread.copies - 3) < 1e-12)
    // Two of a device's 20 experts each: 1 − (15·14)/(20·19) of them among the first 5.
    #expect(abs(spread.copies(of: 5) - 3 * (1 - 210.0 / 380)) < 1e-12)
    #expect(ExpertSpread(experts: 160, choices: 6, devices: 8).copies > 4)
  }

  @Test("draws between whole numbers lie between them")
  func parts() {
    let two = ExpertSpread.missing(5, of: 20, draws: 2)
    let three = ExpertSpread.missing(5, of: 20, draws: 3)
    let between = ExpertSpread.missing(5, of: 20, draws: 2.5)
    #expect(two > between && between > three)
    #expect(abs(between - (two + three) / 2) < 1e-12)
    #expect(ExpertSpread.missing(20, of: 20, draws: 1) == 0)
    #expect(ExpertSpread.missing(0, of: 20, draws: 20) == 1)
  }

  @Test("the experts that are used: E(1 − (1 − k/E)^m), of one device")
  func active() {
    let spread = ExpertSpread(experts: 16, choices: 2, devices: 4)
    #expect(abs(spread.active(tokens: 1) - 0.5) < 1e-12)
    #expect(abs(spread.active(tokens: 3) - 4 * (1 - 0.875 * 0.875 * 0.875)) < 1e-12)
    #expect(spread.active(tokens: 0) == 0)
    #expect(abs(spread.active(tokens: 10_000) - 4) < 1e-9)
  }
}
