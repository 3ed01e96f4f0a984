// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// The configuration files that some work reads: each is read from disk once, and who asks is told
/// which were used.
///
/// While a store is ``current``, `ConfigurationNode.load(path:limits:)` takes what it has read before
/// from here. A study of thousands of scenarios reads each profile once, and a file that changes while
/// it runs changes none of them.
public final class ConfigurationFiles: @unchecked Sendable {
  /// The store that reading goes through; `nil` reads from disk each time.
  @TaskLocal public static var current: ConfigurationFiles?
  /// Who is told of each file that is used.
  @TaskLocal static var recorder: Recorder?

  /// The paths that some work used, in the order of first use.
  final class Recorder: @unchecked Sendable {
    private let lock = NSLock()
    private var paths: [String] = []

    func note(_ path: String) {
      lock.withLock { if !paths.contains(path) { paths.append(path) } }
    }

    var all: [String] { lock.withLock { paths } }
  }

  private let lock = NSLock()
  private var nodes: [String: ConfigurationNode] = [:]

  /// An empty store.
  public init() {}

  /// Does some work, and says which files it read, whether from disk or from the store.
  ///
  /// - Throws: What the work throws.
  public static func recording<Value>(
    _ work: () throws -> Value
  ) rethrows -> (value: Value, paths: [String]) {
    let recorder = Recorder()
    let value = try $recorder.withValue(recorder, operation: work)
    return (value, recorder.all)
  }

  func node(of path: String) -> ConfigurationNode? { lock.withLock { nodes[path] } }

  func keep(_ node: ConfigurationNode, path: String) { lock.withLock { nodes[path] = node } }
}
