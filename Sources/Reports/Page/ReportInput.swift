// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
public import Records
import Studies

/// What a file holds that a page can be made of.
public enum ReportInput: Sendable {
  /// The reports of runs, one or several.
  case runs([ReportValue])
  /// Policies on the same requests.
  case comparison(ReportValue)
  /// Which machines serve a traffic.
  case plan(ReportValue)
  /// Simulated beside published figures.
  case validation(ReportValue)
  /// A measured run beside its simulation.
  case observation(ReportValue)
  /// Measured serving points beside simulated ones.
  case points(ReportValue)
  /// Timing laws beside timings, a record a law.
  case calibration([ReportValue])
  /// The points of a study.
  case sweep(SweepTable)

  /// Why no page can be made of a file.
  public struct Problem: Error, CustomStringConvertible, Sendable {
    /// The file.
    public var path: String
    /// What was found and what would be right.
    public var message: String
    /// The file and the message.
    public var description: String { "\(path): \(message)" }

    /// A problem of that file.
    public init(path: String, message: String) {
      self.path = path
      self.message = message
    }
  }

  /// What is recognised, for messages.
  static let expected =
    "expected the JSON of simulate, compare, plan, validate, observe, calibrate check or results"
    + " (--format json), a store of 'moesim sweep', or a scenario"

  /// Reads a file and recognises what it holds.
  ///
  /// - Throws: `MissingFile`, a ``Problem``, or what a store says of itself.
  public static func read(path: String) throws -> ReportInput {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw MissingFile(path: path)
    }
    guard !isFolder.boolValue else {
      throw Problem(path: path, message: "is a folder; \(expected)")
    }
    if try beginsAsStore(path) {
      return .sweep(SweepTable(try ResultStore(path: path, writes: false).runs()))
    }
    let data = try Data(contentsOf: URL(filePath: path))
    let value = try Self.value(of: data, path: path)
    guard let input = try recognise(value, path: path) else {
      throw Problem(
        path: path, message: "holds JSON of another kind (\(facts(of: value))); \(expected)")
    }
    return input
  }

  private static func beginsAsStore(_ path: String) throws -> Bool {
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    defer { try? file.close() }
    return try file.read(upToCount: 15) == Data("SQLite format 3".utf8)
  }

  /// JSON, or JSON lines as a list.
  private static func value(of data: Data, path: String) throws -> ReportValue {
    let reason: JSONSyntaxError
    do { return try ReportValue(json: data) } catch { reason = error }
    var values: [ReportValue] = []
    for line in data.split(separator: UInt8(ascii: "\n")) {
      do throws(JSONSyntaxError) { values.append(try ReportValue(json: Data(line))) } catch {
        // Of a file that is no JSON Lines either, what is wrong with it as a whole.
        let words = values.isEmpty ? "\(reason)" : "in line \(values.count + 1) \(error)"
        throw Problem(path: path, message: "holds \(words); \(expected)")
      }
    }
    guard !values.isEmpty else {
      throw Problem(path: path, message: "holds \(reason); \(expected)")
    }
    return .list(values)
  }

  /// What a tree is, `nil` where it is nothing that is known.
  static func recognise(_ value: ReportValue, path: String) throws -> ReportInput? {
    if case .list(let items) = value {
      guard let first = items.first else {
        throw Problem(path: path, message: "holds an empty list; \(expected)")
      }
      if items.allSatisfy(isRun) {
        try items.forEach { try checkVersion($0, path) }
        return .runs(items)
      }
      let keysOfLaws = ["kernel", "law", "median", "biases", "worst_points"]
      if items.allSatisfy({ item in keysOfLaws.allSatisfy { item[$0] != nil } }) {
        return .calibration(items)
      }
      if first["status"] != nil, first["replication"] != nil {
        return .sweep(SweepTable(listing: items))
      }
      return nil
    }
    func has(_ keys: String...) -> Bool { keys.allSatisfy { value[$0] != nil } }
    let input: ReportInput
    if isRun(value) {
      input = .runs([value])
    } else if has("rows", "baseline", "measure") {
      input = .comparison(value)
    } else if has("finalists", "front", "objective") {
      input = .plan(value)
    } else if has("systems", "summary") {
      input = .validation(value)
    } else if has("results", "latencies_since") {
      input = .observation(value)
    } else if has("points", "curves") {
      input = .points(value)
    } else {
      return nil
    }
    try checkVersion(value, path)
    return input
  }

  private static func isRun(_ value: ReportValue) -> Bool {
    ["throughput", "steady_state", "setting", "stall_ms_per_token"].allSatisfy { value[$0] != nil }
  }

  private static func checkVersion(_ value: ReportValue, _ path: String) throws {
    guard let version = value.text("schema_version") else { return }
    guard version.prefix(while: { $0 != "." }) == "1" else {
      throw Problem(
        path: path,
        message: "schema_version is \(version); this version of moesim reads 1.x")
    }
  }

  private static func facts(of value: ReportValue) -> String {
    switch value {
    case .list: "a list"
    case .object(let members):
      "an object with the keys "
        + members.map(\.key).sorted().prefix(5).map { "'\($0)'" }.joined(separator: ", ")
        + (members.count > 5 ? ", …" : "")
    default: "a single value"
    }
  }
}
