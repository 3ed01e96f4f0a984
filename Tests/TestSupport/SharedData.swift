// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Where the recorded data of others is, beside the checkout.
///
/// The data are not part of the repository. A test that needs a file asks for it here and skips
/// with a message when it is absent.
public enum SharedData {
  /// The folder `shared/data` beside the checkout.
  public static let root: URL = URL(filePath: #filePath)
    .deletingLastPathComponent()  // TestSupport
    .deletingLastPathComponent()  // Tests
    .deletingLastPathComponent()  // the checkout
    .deletingLastPathComponent()
    .appending(path: "shared/data")

  /// Whether the recorded data stand beside the checkout.
  public static let isPresent: Bool = FileManager.default.fileExists(atPath: root.path)

  /// The path of one file of the recorded data, or `nil` when it is absent.
  public static func path(_ relative: String) -> String? {
    let url = root.appending(path: relative)
    return FileManager.default.fileExists(atPath: url.path) ? url.path : nil
  }

  /// The message with which a test that lacks the data is skipped.
  public static let absence: String =
    "the recorded data are not beside the checkout (../shared/data)"
}

/// Where the checkout is, for tests that read the files that the project ships.
public enum Checkout {
  /// The root folder of the package.
  public static let root: URL = URL(filePath: #filePath)
    .deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent()
}
