// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// The names and contents of the files that the shards of a plan write.
///
/// An attempt at a shard writes a part file of its own, which no other writes; when all of its runs
/// have ended, the file is linked to the shard's final name, which can happen once. So no locks are
/// needed, on network file systems neither.
public struct ShardFiles: Sendable {
  /// The folder.
  public let folder: String
  private let stem: String

  /// The files of a shard of a plan.
  public init(folder: String, plan: ContentDigest, shard: Int, of shards: Int) {
    self.folder = folder
    let digits = String(shards).count
    let number = String(shard)
    stem =
      "\(plan.hexadecimal.prefix(12))-"
      + String(repeating: "0", count: max(0, digits - number.count)) + "\(number)of\(shards)"
  }

  /// The path of the finished shard.
  public var final: String { "\(folder)/\(stem).jsonl" }
  /// Whether the shard is finished.
  public var isFinished: Bool { FileManager.default.fileExists(atPath: final) }

  /// The paths that an attempt of this process writes: its part, and what depends on the host.
  public func attempt() -> (part: String, log: String) {
    let host = ProcessInfo.processInfo.hostName.filter { $0.isLetter || $0.isNumber || $0 == "-" }
    let number = UInt32.random(in: 0...UInt32.max)
    let process = ProcessInfo.processInfo.processIdentifier
    let name = "\(folder)/\(stem).\(host.prefix(40)).\(process).\(String(number, radix: 16))"
    return (name + ".part", name + ".log")
  }

  /// The part files of all attempts at this shard, sorted.
  public var parts: [String] {
    Self.names(in: folder).filter { $0.hasPrefix(stem + ".") && $0.hasSuffix(".part") }
      .map { "\(folder)/\($0)" }
  }

  /// The names of the files of a folder, sorted; empty where there is none.
  static func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  /// What the lines of a part or finished file say.
  public struct Contents: Sendable {
    /// The records, in their order.
    public var records: [RunRecord] = []
    /// Starts of each run; an attempt's file repeats those of the attempts that it takes over.
    public var starts: [String: Int] = [:]
    /// Runs during which the process died of a fatal signal of theirs, and how often, likewise.
    public var crashes: [String: Int] = [:]
    /// Lines that are cut off or damaged.
    public var damaged = 0

    /// No content.
    public init() {}

    /// Adds the lines of a file.
    ///
    /// - Throws: What reading the file throws.
    public mutating func add(file: String) throws {
      let data = try Data(contentsOf: URL(filePath: file))
      var (begun, died): ([String: Int], [String: Int]) = ([:], [:])
      var lines = data.lines()
      if !lines.isEmpty, data.last != UInt8(ascii: "\n") {
        // The writer was stopped within it.
        lines.removeLast()
        damaged += 1
      }
      for line in lines {
        if line.starts(with: Self.started) {
          begun[Self.id(line, Self.started), default: 0] += 1
        } else if line.starts(with: Self.crashed) {
          died[Self.id(line, Self.crashed), default: 0] += 1
        } else if let record = RunRecord(line: Data(line)) {
          records.append(record)
        } else {
          damaged += 1
        }
      }
      starts.merge(begun, uniquingKeysWith: max)
      crashes.merge(died, uniquingKeysWith: max)
    }

    static let started = Data("{\"started\":\"".utf8)
    static let crashed = Data("{\"crashed\":\"".utf8)

    private static func id(_ line: Data, _ prefix: Data) -> String {
      String(decoding: line.dropFirst(prefix.count).prefix(64), as: UTF8.self)
    }
  }

  /// The line that says that a run has started.
  static func startedLine(_ id: String) -> String { "{\"started\":\"\(id)\"}\n" }
  /// The line that says that the process died of a run.
  static func crashedLine(_ id: String) -> String { "{\"crashed\":\"\(id)\"}\n" }
}
