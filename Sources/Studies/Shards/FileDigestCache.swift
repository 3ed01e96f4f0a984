// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Digests of files, each computed once. For use from any thread.
final class FileDigestCache: @unchecked Sendable {
  private let lock = NSLock()
  private var digests: [String: ContentDigest] = [:]

  func digest(of path: String) throws -> ContentDigest {
    if let known = lock.withLock({ digests[path] }) { return known }
    let digest = try ContentDigest(ofFile: path)
    lock.withLock { digests[path] = digest }
    return digest
  }
}
