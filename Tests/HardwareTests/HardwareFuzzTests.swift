// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing

@testable import Hardware

@Suite struct HardwareFuzzTests {
  /// Mutated machines and parts neither crash nor hang, and what is accepted can be described.
  @Test(arguments: 0..<8 as Range<UInt64>)
  func mutatedProfiles(seed: UInt64) throws {
    let root = Checkout.root.appending(path: "hardware-profiles")
    let part = try String(
      contentsOf: root.appending(path: "parts/gpu/rtx-4090.yaml"), encoding: .utf8)
    let indented = part.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")
    let inline = box.replacing(
      "gpus: [{part: rtx-4090, count: 2, memory: {capacity: 48 GiB}}]",
      with: "gpus:\n  - count: 1\n" + indented)
    #expect(throws: Never.self) { try machine(inline) }
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    #if DEBUG
      let rounds = 25
    #else
      let rounds = 200
    #endif
    let values = [
      "-1", "0", "nan", ".inf", "1e308 GB/s", "[]", "{}", "null", "''", "24 GiB", "true",
      "1e-320 s",
      "99999999999999999999", "{part: rtx-4090}", "&a [1]", "\u{0}",
    ]
    for _ in 0..<rounds {
      var lines = (random(2) == 0 ? box : inline).split(separator: "\n").map(String.init)
      for _ in 0...random(3) {
        let index = random(lines.count)
        switch random(4) {
        case 0: lines.remove(at: index)
        case 1: lines.insert(lines[random(lines.count)], at: index)
        case 2:
          let key = lines[index].prefix { $0 != ":" }
          lines[index] = key + ": " + values[random(values.count)]
        default: lines[index] = String(lines[index].dropLast(random(lines[index].count + 1)))
        }
        if lines.isEmpty { lines = ["x: 1"] }
      }
      guard let machine = try? machine(lines.joined(separator: "\n")) else { continue }
      #expect(machine.describe().allSatisfy { $0.figure.nominal.isFinite })
      #expect(!machine.resources.isEmpty)
      _ = machine.gpus.map { $0.peak(for: .fp4) }
    }
  }
}
