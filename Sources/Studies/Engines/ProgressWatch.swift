// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Counts the runs that have ended by reading what shards have written since the last look.
final class ProgressWatch {
  private let plan: SweepPlanFile
  private let control: SweepControl
  private let shards: [ShardFiles]
  private var offsets: [String: Int] = [:]
  private var ended: Set<String> = []
  private let folder: String

  init(plan: SweepPlanFile, folder: String, control: SweepControl) {
    self.plan = plan
    self.control = control
    self.folder = folder
    shards = (0..<plan.header.shards).map {
      ShardFiles(folder: folder, plan: plan.digest, shard: $0, of: plan.header.shards)
    }
  }

  /// Looks at the files and tells.
  func look() {
    let stem = String(plan.digest.hexadecimal.prefix(12))
    for name in ShardFiles.names(in: folder)
    where name.hasPrefix(stem) && (name.hasSuffix(".part") || name.hasSuffix(".jsonl")) {
      read("\(folder)/\(name)")
    }
    control.tell(.init(done: ended.count, total: plan.count))
  }

  private func read(_ path: String) {
    guard let file = FileHandle(forReadingAtPath: path) else { return }
    defer { try? file.close() }
    let offset = offsets[path] ?? 0
    try? file.seek(toOffset: UInt64(offset))
    guard let data = try? file.readToEnd(), let end = data.lastIndex(of: UInt8(ascii: "\n"))
    else { return }
    offsets[path] = offset + end + 1
    let prefix = Data("{\"id\":\"".utf8)
    for line in data[...end].lines() where line.starts(with: prefix) {
      ended.insert(String(decoding: line.dropFirst(prefix.count).prefix(64), as: UTF8.self))
    }
  }
}
