// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Calibration

/// How many tokens the experts of a timed kernel got.
@Suite struct ExpertLoadsTests {
  /// The balanced rule, a token and a choice at a time.
  static func balanced(tokens: Int, choices: Int, experts: Int) -> [Int] {
    let distance = Int((Double(experts) / Double(choices)).rounded(.up))
    var counts = [Int](repeating: 0, count: experts)
    for token in 0..<tokens {
      var own: [Int] = []
      for choice in 0..<choices {
        let first =
          tokens < distance ? Double(token) * Double(distance) / Double(tokens) : Double(token)
        let expert = Int(first + Double(choice * distance)) % experts
        if !own.contains(expert) { own.append(expert) }
      }
      for expert in 0..<experts where own.count < choices && !own.contains(expert) {
        own.append(expert)
      }
      for expert in own { counts[expert] += 1 }
    }
    return counts
  }

  static let shapes = [
    (1, 2, 8), (3, 8, 64), (7, 6, 160), (16, 8, 256), (128, 8, 128), (1000, 2, 8),
  ]

  @Test(arguments: shapes, [1, 2, 4])
  func `The balanced pattern is that of a naive loop`(shape: (Int, Int, Int), devices: Int) {
    let (tokens, choices, experts) = shape
    let counts = Self.balanced(tokens: tokens, choices: choices, experts: experts)
    #expect(counts.reduce(0, +) == tokens * choices)
    let own = counts.prefix(experts / devices)
    let loads = ExpertLoads(
      tokens: tokens, choices: choices, experts: experts, devices: devices, skew: .balanced)
    #expect(loads.assignments == Double(max(1, own.reduce(0, +))))
    #expect(loads.activated == Double(max(1, own.count { $0 > 0 })))
    let busiest = Double(own.max() ?? 0) * Double(own.count)
    #expect(abs(loads.loadRatio - busiest / Double(max(1, own.reduce(0, +)))) < 1e-12)
  }

  static let skews: [ExpertLoads.Skew] = [
    .balanced, .perDevice(exponent: 1.01), .perDevice(exponent: 1.2), .perDevice(exponent: 3),
    .smallestFirst(exponent: 1.2), .perDevice(exponent: 0.5),
  ]

  @Test(arguments: shapes, skews)
  func `All devices together get each token's choices, no expert more than all tokens`(
    shape: (Int, Int, Int), skew: ExpertLoads.Skew
  ) {
    let (tokens, choices, experts) = shape
    let loads = ExpertLoads(
      tokens: tokens, choices: choices, experts: experts, devices: 1, skew: skew)
    #expect(loads.assignments == Double(tokens * choices))
    let mean = loads.assignments / Double(experts)
    #expect(loads.loadRatio * mean <= Double(tokens) * (1 + 1e-12))
    #expect(loads.loadRatio >= 1 - 1e-12)
    #expect(loads.activated >= Double(choices) && loads.activated <= Double(experts))
    for devices in [2, 4] {
      let busiest = ExpertLoads(
        tokens: tokens, choices: choices, experts: experts, devices: devices, skew: skew)
      #expect(busiest.assignments <= Double(tokens * choices))
      #expect(busiest.activated <= Double(experts / devices))
      if skew != .balanced {
        #expect(busiest.assignments >= Double(tokens * choices) / Double(devices))
      }
    }
  }

  @Test func `Loads are the same each time`() {
    for skew in Self.skews {
      let loads = (0..<2).map { _ in
        ExpertLoads(tokens: 333, choices: 8, experts: 128, devices: 4, skew: skew)
      }
      #expect(loads[0] == loads[1])
    }
  }

  @Test func `A steeper law activates fewer experts and loads one more`() {
    let loads = [1.01, 1.2, 1.8].map {
      ExpertLoads(
        tokens: 256, choices: 8, experts: 128, devices: 1, skew: .perDevice(exponent: $0), draws: 64
      )
    }
    #expect(loads[0].loadRatio < loads[1].loadRatio && loads[1].loadRatio < loads[2].loadRatio)
    let even = ExpertLoads(tokens: 256, choices: 8, experts: 128, devices: 1, skew: .balanced)
    #expect(even.loadRatio == 1 && even.activated == 128)
  }

  @Test func `Names of rules are read, others refused`() {
    #expect(ExpertLoads.Skew("balanced") == .balanced)
    #expect(ExpertLoads.Skew("uniform") == .balanced)
    #expect(ExpertLoads.Skew("power_law_1.2") == .perDevice(exponent: 1.2))
    #expect(ExpertLoads.Skew("power_law_smallest_first_1.01") == .smallestFirst(exponent: 1.01))
    for wrong in [
      "", "zipf", "power_law_", "power_law_x", "power_law_nan", "power_law_-1", "power_law_1",
      "power_law_inf", "power_law_1e300", "power_law_smallest_first_-2",
    ] {
      #expect(ExpertLoads.Skew(wrong) == nil, "\(wrong)")
    }
  }
}
