// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Studies
import Testing

@Suite("Digests of contents")
struct ContentDigestTests {
  /// The test vectors of FIPS 180-4 (NIST example values for SHA-256).
  @Test(
    "agree with the published examples",
    arguments: [
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ])
  func examples(text: String, digits: String) {
    #expect(ContentDigest(of: text).hexadecimal == digits)
  }

  @Test("of a file are those of its bytes")
  func file() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "digest-\(UUID()).bin")
    let bytes = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    try bytes.write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    #expect(try ContentDigest(ofFile: url.path) == ContentDigest(of: bytes))
  }
}
