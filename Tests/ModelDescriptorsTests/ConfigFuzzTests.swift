// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing

@testable import ModelDescriptors

/// Damaged configurations end in a model or in diagnostics, never in a trap.
@Suite struct ConfigFuzzTests {
  /// A small generator of its own, so that a failure names its seed.
  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  static let values = [
    "0", "-1", "1", "9223372036854775807", "1e400", "NaN", "null", "\"x\"", "[]", "{}", "[1,2]",
    "3.5", "1048576", "true", "65536", "4096",
  ]

  @Test(arguments: modelFacts)
  func `Damaged files are diagnosed`(facts: ModelFacts) throws {
    let path = Checkout.root.appending(path: "models/\(facts.name).json")
    let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
    var generator = Generator(
      state: facts.name.utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) })
    #if DEBUG
      let rounds = 12
    #else
      let rounds = 200
    #endif
    for _ in 0..<rounds {
      var damaged = lines.map(String.init)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let line = Int.random(in: 0..<damaged.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0 where damaged.count > 1: damaged.remove(at: line)
        case 1:
          guard let colon = damaged[line].range(of: ": ") else { continue }
          let tail = damaged[line].hasSuffix(",") ? "," : ""
          let value = Self.values.randomElement(using: &generator) ?? "0"
          damaged[line] = damaged[line][..<colon.upperBound] + value + tail
        case 2: damaged[line] = String(damaged[line].prefix(damaged[line].count / 2))
        default:
          damaged[line] = damaged[line].replacing("1", with: "99999")
        }
      }
      let text = damaged.joined(separator: "\n")
      guard let node = try? ConfigurationNode.parse(text, file: "damaged.json") else { continue }
      guard let model = try? ModelDescriptor.read(node, name: "damaged") else { continue }
      // What was accepted can be asked everything.
      #expect(model.parameterCount > 0)
      #expect(model.bytes(under: model.nativePrecision).total > 0)
      #expect(model.cacheBytes(length: 100_000, under: .bf16).isFinite)
      let costs = model.costs(under: model.nativePrecision)
      var load = AttentionLoad()
      load.addDecode(visible: 1_000, span: costs.spans[0])
      #expect(costs.layers[0].attentionWork(load).flop.isFinite)
    }
  }
}
