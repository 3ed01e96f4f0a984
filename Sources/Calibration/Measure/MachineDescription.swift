// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// What a machine says of itself: its processor, caches, memory and drives, read from `/proc` and `/sys`.
public struct MachineDescription: Sendable, Equatable {
  /// "AMD EPYC, 2 cores".
  public var processor: String
  /// The processor's flags.
  public var flags: Set<String>
  /// Processors that the system schedules on.
  public var threads: Int
  /// Bytes of the largest cache.
  public var lastLevelCache: Int
  /// Bytes of memory that can be had without paging.
  public var availableMemory: Int

  /// Where no cache is told of: assumed, the size of a large server's.
  static let assumedCache = 256 << 20

  /// Describes this machine.
  public static func current() -> MachineDescription {
    let information = text(of: "/proc/cpuinfo")
    let threads = ProcessInfo.processInfo.activeProcessorCount
    return MachineDescription(
      processor: processorName(information, threads: threads), flags: flags(information),
      threads: threads, lastLevelCache: lastLevelCache() ?? assumedCache,
      availableMemory: availableMemory(text(of: "/proc/meminfo")))
  }

  /// Numbers of threads worth timing: powers of two and all.
  public var threadCounts: [Int] {
    var counts: [Int] = []
    var count = 1
    while count < threads {
      counts.append(count)
      count *= 2
    }
    return counts + [threads]
  }

  static func processorName(_ information: String, threads: Int) -> String {
    let name = value(of: ["model name", "Model", "Hardware"], in: information) ?? "processor"
    let plain = name.replacingOccurrences(of: "(R)", with: "").replacingOccurrences(
      of: "(TM)", with: "")
    let words = plain.split(separator: " ").joined(separator: " ")
    return "\(words), \(threads) core\(threads == 1 ? "" : "s")"
  }

  static func flags(_ information: String) -> Set<String> {
    let line = value(of: ["flags", "Features"], in: information) ?? ""
    return Set(line.split(separator: " ").map(String.init))
  }

  static func availableMemory(_ information: String) -> Int {
    let line = value(of: ["MemAvailable"], in: information) ?? ""
    return (Int(line.split(separator: " ").first ?? "") ?? 4 << 20) << 10
  }

  private static func value(of keys: [String], in text: String) -> String? {
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let key = parts[0].trimmingCharacters(in: .whitespaces)
      if keys.contains(key) { return parts[1].trimmingCharacters(in: .whitespaces) }
    }
    return nil
  }

  private static func lastLevelCache() -> Int? {
    let folder = "/sys/devices/system/cpu/cpu0/cache"
    let sizes = (0..<8).compactMap { size(text(of: "\(folder)/index\($0)/size")) }
    return sizes.max()
  }

  /// Bytes of "32768K" or "32M".
  static func size(_ text: String) -> Int? {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard let unit = trimmed.last else { return nil }
    let shift = ["K": 10, "M": 20, "G": 30][unit]
    guard let number = Int(shift == nil ? trimmed : String(trimmed.dropLast())) else { return nil }
    return number << (shift ?? 0)
  }

  /// The drive below a folder, "QEMU HARDDISK (sda)" or "drive vda".
  public static func drive(of folder: String) -> String {
    var status = stat()
    guard stat(folder, &status) == 0 else { return "drive of \(folder)" }
    let device = UInt64(status.st_dev)
    let major = ((device >> 8) & 0xfff) | ((device >> 32) & ~0xfff)
    let minor = (device & 0xff) | ((device >> 12) & 0xfff00)
    let link = "/sys/dev/block/\(major):\(minor)"
    guard FileManager.default.fileExists(atPath: link) else {
      return "file system \(major):\(minor)"
    }
    var place = URL(filePath: link).resolvingSymlinksInPath()
    // A partition stands in the folder of its drive.
    if FileManager.default.fileExists(atPath: place.appending(path: "partition").path) {
      place = place.deletingLastPathComponent()
    }
    let name = place.lastPathComponent
    let model = text(of: place.appending(path: "device/model").path)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    return model.isEmpty ? "drive \(name)" : "\(model) (\(name))"
  }

  private static func text(of path: String) -> String {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}
