// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Where everything goes that is no result.
enum StandardError {
  /// Writes a line. Failing writes are ignored: there is nowhere left to tell of them.
  static func print(_ text: String) {
    FileHandle.standardError.writeIgnoringErrors(Data((text + "\n").utf8))
  }
}

extension FileHandle {
  fileprivate func writeIgnoringErrors(_ data: Data) {
    try? write(contentsOf: data)
  }
}
