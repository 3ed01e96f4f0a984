// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// The output of `fio --output-format=json`.
///
/// A job that reads past the page cache becomes a row of `read`: the time is that of one request,
/// the median of `clat_ns` (nanoseconds from submission to completion) where percentiles are listed,
/// else its mean. Throughput follows: as many requests as `queue_depth` are under way at once.
public struct FioImporter: TimingImporter {
  /// "fio".
  public let name = "fio"
  /// What is read, in one line.
  public let summary = "fio: reads from a drive (--output-format=json)"

  /// Creates the importer.
  public init() {}

  /// Reads one output; text before the first line that begins with "{" is passed over.
  ///
  /// - Throws: As `TimingImporter.read`.
  public func read(
    _ path: String, options: ImportOptions, into result: inout ImportedTimings
  ) throws {
    let text = String(decoding: try CSVLines.bytes(of: path), as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let start = lines.firstIndex { $0.hasPrefix("{") } ?? 0
    // Blank lines in front keep the numbers of the lines.
    let document =
      String(repeating: "\n", count: start) + lines[start...].joined(separator: "\n")
    var limits = ReadingLimits()
    limits.bytes = 256 << 20
    limits.nodes = 8_000_000
    let root = try ConfigurationNode.parse(document, file: path, limits: limits)
    guard let jobs = root["jobs"]?.sequence else {
      throw Diagnostic(
        location: SourceLocation(origin: path), path: "jobs",
        message: "expected the list of fio's jobs; is this --output-format=json?")
    }
    let disks = root["disk_util"]?.sequence ?? []
    guard let device = options.device ?? disks.first?["name"]?.scalar.map({ "drive \($0)" }) else {
      throw Diagnostic(
        location: SourceLocation(origin: path),
        message: "the output names no drive (disk_util); name it with --device")
    }
    for job in jobs {
      try read(
        Job(node: job, global: root["global options"]), device, date: Self.date(root),
        version: root["fio version"]?.scalar, into: &result)
    }
  }

  /// Seconds since 1970 become a day.
  private static func date(_ root: ConfigurationNode) -> String? {
    guard let text = root["timestamp"]?.scalar, let seconds = Double(text), seconds > 0 else {
      return nil
    }
    return Date(timeIntervalSince1970: seconds).formatted(.iso8601.year().month().day())
  }

  private func read(
    _ job: Job, _ device: String, date: String?, version: String?,
    into result: inout ImportedTimings
  ) throws {
    let direction = job.option("rw") ?? job.option("readwrite") ?? "read"
    switch direction {
    case "read", "randread": break
    case "write", "randwrite", "trim", "randtrim", "trimwrite":
      result.skip("jobs that write")
      return
    default:
      result.skip("jobs that read and write at once")
      return
    }
    guard job.option("direct") == "1" else {
      result.skip("reads through the page cache (direct=0)")
      return
    }
    let size = job.option("bs") ?? job.option("blocksize") ?? "4k"
    guard let bytes = Self.bytes(size), bytes > 0 else {
      throw job.diagnostic(
        "job options.bs", "expected a size such as 4k, 1M or 1048576; found '\(size)'")
    }
    let latency = job.node["read"]?["clat_ns"]
    let median =
      latency?["percentile"]?["50.000000"] ?? latency?["mean"]
    guard let text = median?.scalar, let nanoseconds = Double(text), nanoseconds > 0 else {
      throw job.diagnostic("read.clat_ns", "expected the completion times of at least one read")
    }
    func seconds(_ key: String) -> Double? {
      latency?[key]?.scalar.flatMap(Double.init).flatMap { $0 > 0 ? $0 / 1e9 : nil }
    }
    let engine = job.option("ioengine") ?? "psync"
    let depth = try job.count("iodepth")
    let jobs = try job.count("numjobs")
    var row = KernelMeasurement(
      device: device, kernel: .read, median: nanoseconds / 1e9, source: "fio")
    row.implementation =
      [version ?? "fio", engine, direction].joined(separator: " ")
    row.bytes = bytes
    // An engine that waits for each request has one under way, whatever iodepth says.
    row.queueDepth = jobs * (Self.waiting.contains(engine) ? 1 : depth)
    row.threads = jobs
    row.minimum = seconds("min").map { min($0, row.median) }
    row.maximum = seconds("max").map { max($0, row.median) }
    row.repeats = job.node["read"]?["total_ios"]?.scalar.flatMap { Int($0) }.flatMap {
      $0 > 0 ? $0 : nil
    }
    row.date = date
    try result.add(row, at: job.node.location)
  }

  private static let waiting = ["sync", "psync", "vsync", "pvsync", "pvsync2", "mmap"]

  /// fio's sizes: a number and k, m, g or t, powers of 1024 with its usual `kb_base`; of
  /// "4k,8k,4k" the first is that of reads.
  static func bytes(_ text: String) -> Int? {
    let first = text.split(separator: ",", omittingEmptySubsequences: false)[0].lowercased()
    let digits = first.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits) else { return nil }
    let shift: Int
    switch first.dropFirst(digits.count) {
    case "", "b": shift = 0
    case "k", "kb", "kib", "ki": shift = 10
    case "m", "mb", "mib", "mi": shift = 20
    case "g", "gb", "gib", "gi": shift = 30
    case "t", "tb", "tib", "ti": shift = 40
    default: return nil
    }
    return number > 1 << 20 && shift > 20 ? nil : number << shift
  }

  /// A job and the options that it shares with all.
  private struct Job {
    var node: ConfigurationNode
    var global: ConfigurationNode?

    func option(_ key: String) -> String? {
      node["job options"]?[key]?.scalar ?? global?[key]?.scalar
    }

    func count(_ key: String) throws -> Int {
      guard let text = option(key) else { return 1 }
      guard let number = Int(text), number > 0, number < 1 << 20 else {
        throw diagnostic(
          "job options.\(key)", "expected a whole number of at least 1; found '\(text)'")
      }
      return number
    }

    func diagnostic(_ key: String, _ message: String) -> Diagnostic {
      let place = node["job options"]?.location ?? node.location
      return Diagnostic(location: place, path: key, message: message)
    }
  }
}
