// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// A small generator for tests (SplitMix64).
struct TestGenerator: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

/// A random sequence of layer sets with skewed popularity and some repetition.
struct RandomTrace {
  var layers: Int
  var experts: Int
  var events: [[SetMember]] = []
  /// The events before which a new sequence begins.
  var sequenceStarts: Set<Int> = []

  init(seed: UInt64, passes: Int) {
    var generator = TestGenerator(seed: seed)
    layers = Int.random(in: 1...4, using: &generator)
    experts = Int.random(in: 2...12, using: &generator)
    let largest = Int.random(in: 1...experts, using: &generator)
    var last = Array(repeating: [Int](), count: layers)
    for _ in 0..<passes {
      if Int.random(in: 0..<12, using: &generator) == 0 { sequenceStarts.insert(events.count) }
      for layer in 0..<layers {
        var chosen: [Int] = []
        for expert in last[layer] where Bool.random(using: &generator) { chosen.append(expert) }
        let wanted = Int.random(in: 1...largest, using: &generator)
        while chosen.count < wanted {
          let expert = min(
            Int.random(in: 0..<experts, using: &generator),
            Int.random(in: 0..<experts, using: &generator))
          if !chosen.contains(expert) { chosen.append(expert) }
        }
        last[layer] = chosen
        chosen.shuffle(using: &generator)
        // A few weights are equal, so that ties happen.
        events.append(
          chosen.map {
            SetMember(
              block: BlockID(layer * experts + $0),
              weight: Float(Int.random(in: 1...6, using: &generator)) / 8)
          })
      }
    }
  }
}
