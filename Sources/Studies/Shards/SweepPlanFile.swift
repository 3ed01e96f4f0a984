// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Records

/// A plan in a file. Lines are read when they are wanted, since a shard runs few of them.
public struct SweepPlanFile: Sendable {
  /// What is wrong with a plan file.
  public struct Problem: Error, CustomStringConvertible {
    /// The file.
    public var path: String
    /// The line, from 1.
    public var line: Int
    /// What was found and what would be right.
    public var message: String
    /// The place and the message.
    public var description: String { "\(path):\(line): \(message)" }
  }

  /// The file.
  public let path: String
  /// The digest of the file, which names its part files.
  public let digest: ContentDigest
  /// The plan's study, folder, axes and so on, without runs.
  public let header: SweepPlan
  /// The lines of the file, or none where the plan was made here and its runs are known.
  private let lines: [Data]
  private let entries: [SweepPlan.Entry]

  /// The number of runs.
  public var count: Int { lines.count + entries.count }

  /// Writes a plan under a name that its content gives it.
  ///
  /// - Throws: What writing the file throws.
  init(writing plan: SweepPlan, to folder: String) throws {
    let text = plan.text
    digest = ContentDigest(of: text)
    path = "\(folder)/plan-\(digest.hexadecimal.prefix(12)).jsonl"
    try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    var header = plan
    header.entries = []
    self.header = header
    entries = plan.entries
    lines = []
  }

  /// Opens a plan.
  ///
  /// - Throws: `MissingFile`, or a ``Problem`` where the file is no plan of this version.
  public init(path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { throw MissingFile(path: path) }
    let data = try Data(contentsOf: URL(filePath: path))
    self.path = path
    entries = []
    digest = ContentDigest(of: data)
    var lines = data.lines()
    guard let first = lines.first, let value = try? ReportValue(json: Data(first)),
      value["schema"]?.textValue == "moesim-sweep-plan"
    else {
      throw Problem(
        path: path, line: 1, message: "is no sweep plan; expected what 'moesim sweep plan' writes")
    }
    let version = value["schema_version"]?.textValue ?? ""
    guard version.prefix(while: { $0 != "." }) == "1" else {
      throw Problem(
        path: path, line: 1,
        message: "schema_version is \(version); this version of moesim reads 1.x")
    }
    let results = Int(value["results_version"]?.numericValue ?? 0)
    guard results == ResultsVersion.current else {
      throw Problem(
        path: path, line: 1,
        message: "was made for results of version \(results), and this moesim makes version"
          + " \(ResultsVersion.current); plan again")
    }
    lines.removeFirst()
    let runs = Int(value["runs"]?.numericValue ?? -1)
    guard runs == lines.count, let shards = value["shards"]?.numericValue, shards >= 1 else {
      throw Problem(
        path: path, line: 1,
        message: "says \(runs) runs and \(lines.count) follow; the file was cut off or edited")
    }
    var axes: [String] = []
    if case .list(let values)? = value["axes"] { axes = values.compactMap(\.textValue) }
    header = SweepPlan(
      study: value["study"]?.textValue ?? "", folder: value["folder"]?.textValue ?? "",
      axes: axes, shards: Int(shards), timeoutSeconds: value["timeout_s"]?.numericValue,
      entries: [])
    self.lines = lines.map { Data($0) }
  }

  /// The indices of the runs of a shard.
  public func indices(ofShard shard: Int) -> [Int] {
    Array(stride(from: shard, to: count, by: header.shards))
  }

  /// The identity of a run, without reading the rest of its line.
  public func id(at index: Int) throws -> String {
    if lines.isEmpty { return entries[index].id }
    let prefix = Data("{\"id\":\"".utf8)
    let line = lines[index]
    guard line.starts(with: prefix), line.count > prefix.count + 64 else {
      throw problem(index)
    }
    let start = line.startIndex + prefix.count
    return String(decoding: line[start..<start + 64], as: UTF8.self)
  }

  /// The run at an index.
  ///
  /// - Throws: A ``Problem`` where the line is no run.
  public func entry(at index: Int) throws -> SweepPlan.Entry {
    if lines.isEmpty { return entries[index] }
    guard let entry = SweepPlan.Entry(line: lines[index]) else { throw problem(index) }
    return entry
  }

  private func problem(_ index: Int) -> Problem {
    Problem(
      path: path, line: index + 2, message: "is no run of a plan; the file was cut off or edited")
  }
}
