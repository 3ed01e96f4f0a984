// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Units

@testable import Configuration

/// A small generator of its own, so that a failing seed can be run again.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite struct ConfigurationFuzzTests {
  static let samples = [
    """
    # A machine
    name: box
    gpus: [{part: rtx-4090, count: 1, memory: {capacity: 48 GiB}}]
    base: &base {bandwidth: 31.5 GB/s, source: "a \\"quote\\" \\u00e9"}
    link: *base
    list:
      - one
      - {two: 2, three: 'it''s'}
    text: |
      several
      lines
    ? explicit
    : value
    """,
    "{\"a\": [1, 2.5e-3, null, true], \"b\": {\"c\": \"d\", \"e\": [[], {}]}, \"f\": -1}",
  ]

  /// Reads a text whole and asks it for everything; nothing may crash, whatever comes out.
  static func exercise(_ text: String) {
    guard let root = try? ConfigurationNode.parse(text, file: "fuzz.yaml") else { return }
    _ = root.json
    let collector = DiagnosticCollector()
    func walk(_ node: ConfigurationNode) {
      _ = node.quantity(.bytes)
      _ = node.integer()
      _ = node.numberFormat
      for element in node.sequence ?? [] { walk(element) }
      for entry in node.mapping ?? [] { walk(entry.value) }
    }
    walk(root)
    let reader = MappingReader(root, into: collector)
    _ = reader.requiredQuantity("bandwidth", .bytesPerSecond, in: 1...1e15)
    reader.finish()
    _ = root.merging(root)
  }

  @Test(arguments: 0..<16 as Range<UInt64>)
  func mutatedFilesNeitherCrashNorHang(seed: UInt64) {
    var random = SplitMix(state: seed)
    #if DEBUG
      let rounds = 120
    #else
      let rounds = 1000
    #endif
    let spice =
      Array("[]{}:,-?*&!|>'\"%@`#\n\t \\~<=\u{0}\u{7F}e9.".utf8) + [0xFF, 0xC3, 0xEE, 0x80, 0x80]
    for _ in 0..<rounds {
      var bytes = Array(Self.samples[Int(random.next() % UInt64(Self.samples.count))].utf8)
      for _ in 0..<(1 + random.next() % 8) where !bytes.isEmpty {
        let place = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 5 {
        case 0: bytes[place] = spice[Int(random.next() % UInt64(spice.count))]
        case 1: bytes.insert(spice[Int(random.next() % UInt64(spice.count))], at: place)
        case 2: bytes.remove(at: place)
        case 3:
          let end = min(bytes.count, place + Int(random.next() % 30))
          bytes.insert(contentsOf: bytes[place..<end], at: Int(random.next() % UInt64(bytes.count)))
        default: bytes.removeSubrange(place...)
        }
      }
      Self.exercise(String(decoding: bytes, as: UTF8.self))
    }
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func quantitiesNeverTrap(seed: UInt64) {
    var random = SplitMix(state: seed &+ 99)
    let alphabet = Array("0123456789.eE+-_ GMkKiBbs/%$USDWh\u{B5}naf")
    for _ in 0..<3000 {
      let count = Int(random.next() % 14)
      let text = String(
        (0..<count).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] })
      _ = try? Quantity(parsing: text)
      _ = try? ByteCount(parsing: text)
      _ = try? NumberFormat(parsing: text)
    }
  }
}
