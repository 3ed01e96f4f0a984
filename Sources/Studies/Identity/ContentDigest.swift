// SPDX-License-Identifier: GPL-3.0-or-later

import Crypto
import Foundation

/// The SHA-256 of some bytes, in hexadecimal digits.
public struct ContentDigest: Hashable, Sendable, Codable, CustomStringConvertible {
  /// 64 hexadecimal digits, in lower case.
  public let hexadecimal: String

  /// The digest of bytes.
  ///
  /// - Complexity: O(*n*).
  public init(of data: Data) {
    hexadecimal = Self.text(SHA256.hash(data: data))
  }

  /// The digest of a text's UTF-8.
  public init(of text: String) {
    self.init(of: Data(text.utf8))
  }

  /// The digest of a file, read in pieces.
  ///
  /// - Throws: What reading the file throws.
  public init(ofFile path: String) throws {
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    defer { try? file.close() }
    var hash = SHA256()
    while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {
      hash.update(data: piece)
    }
    hexadecimal = Self.text(hash.finalize())
  }

  /// The digits.
  public var description: String { hexadecimal }

  private static func text(_ digest: SHA256Digest) -> String {
    let digits = Array("0123456789abcdef")
    var text = ""
    text.reserveCapacity(64)
    for byte in digest {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return text
  }
}
