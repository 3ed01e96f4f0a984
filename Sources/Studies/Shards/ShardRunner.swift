// SPDX-License-Identifier: GPL-3.0-or-later

import CSweepSignals
import Configuration
import Experiments
import Foundation
import Records

/// Runs the scenarios of one shard of a plan into a part file, and publishes it.
///
/// What older attempts at the shard have finished is taken over. A run during which the process died
/// of a fatal signal twice, or that was begun four times and neither ended nor left such a mark, is
/// recorded as crashed, so that one scenario cannot keep a shard from ending.
public final class ShardRunner: @unchecked Sendable {
  /// How a shard ended.
  public enum End: Sendable, Equatable {
    /// It was finished before.
    case stoodFinished
    /// All of its runs have ended, and its file is published.
    case published
    /// It was asked to stop, with so many runs left.
    case stopped(left: Int)
  }

  /// Crashes of a run after which it isn't tried again.
  public static let mostCrashes = 2
  /// Starts without an end after which a run isn't tried again.
  public static let mostStarts = 4

  private let plan: SweepPlanFile
  private let shard: Int
  private let files: ShardFiles
  private let threads: Int
  private let library: DataLibrary
  private let lock = NSLock()
  private let read: ReadFiles

  // Under the lock.
  private var queue: [Int] = []
  private var failure: (any Error)?
  private var isStopped = false

  /// Files that runs have read: shards that one process runs share them. For use from any thread.
  public final class ReadFiles: Sendable {
    let digests = FileDigestCache()
    let configurations = ConfigurationFiles()

    /// None yet.
    public init() {}
  }

  /// A runner of a shard.
  ///
  /// - Parameters:
  ///   - plan: The plan.
  ///   - shard: The shard's number, from 0.
  ///   - folder: Where part files go; it is made if it is not there.
  ///   - threads: Runs at once.
  ///   - read: What other runners of this process have read.
  ///   - library: Where names are looked for.
  public init(
    plan: SweepPlanFile, shard: Int, folder: String, threads: Int = 1, read: ReadFiles = .init(),
    library: DataLibrary = .standard
  ) {
    self.plan = plan
    self.shard = shard
    self.threads = max(1, threads)
    self.library = library
    files = ShardFiles(
      folder: folder, plan: plan.digest, shard: shard, of: plan.header.shards)
    self.read = read
  }

  /// Has the runs under way end and no more begin. May be called from any thread.
  public func stop() { lock.withLock { isStopped = true } }

  /// Runs what is not finished.
  ///
  /// - Parameter marksCrashes: Whether fatal signals leave a mark in the part file; for processes
  ///   that do nothing else.
  /// - Throws: What writing the part file throws.
  public func run(marksCrashes: Bool = false) throws -> End {
    try FileManager.default.createDirectory(
      atPath: files.folder, withIntermediateDirectories: true)
    if files.isFinished { return .stoodFinished }
    let earlier = try salvage()
    let paths = files.attempt()
    let part = try AppendFile(path: paths.part)
    let log = try AppendFile(path: paths.log)
    defer { log.close() }
    if marksCrashes { _ = csweep_mark_crashes(part.descriptor) }
    defer { if marksCrashes { _ = csweep_mark_crashes(-1) } }
    try takeOver(earlier, into: part)
    work(into: part, log: log)
    let (left, error) = lock.withLock { (queue.count, failure) }
    if let error { throw error }
    if left > 0 {
      part.close()
      return .stopped(left: left)
    }
    try part.synchronize()
    part.close()
    publish(paths.part)
    return .published
  }

  /// The lines of older attempts.
  private func salvage() throws -> ShardFiles.Contents {
    var contents = ShardFiles.Contents()
    for path in files.parts { try contents.add(file: path) }
    return contents
  }

  /// Writes what older attempts have finished, and queues the rest.
  private func takeOver(_ earlier: ShardFiles.Contents, into part: AppendFile) throws {
    var known: [String: RunRecord] = [:]
    for record in earlier.records { known[record.id] = record }
    for index in plan.indices(ofShard: shard) {
      let id = try plan.id(at: index)
      if let record = known[id] {
        try part.append(record.line + "\n")
        continue
      }
      let crashes = earlier.crashes[id] ?? 0
      let starts = earlier.starts[id] ?? 0
      if crashes >= Self.mostCrashes || starts - crashes >= Self.mostStarts {
        let how =
          crashes >= Self.mostCrashes
          ? "the process died of it \(crashes) times"
          : "it was begun \(starts) times and never ended; the process may have run out of memory"
        try part.append(RunRecord(id: id, status: .crashed, message: how).line + "\n")
        continue
      }
      // What is taken over counts on in this attempt's file, which outlives the others.
      for _ in 0..<starts { try part.append(ShardFiles.startedLine(id)) }
      for _ in 0..<crashes { try part.append(ShardFiles.crashedLine(id)) }
      queue.append(index)
    }
    queue.reverse()
  }

  private func work(into part: AppendFile, log: AppendFile) {
    guard threads > 1 else { return runQueue(into: part, log: log) }
    DispatchQueue.concurrentPerform(iterations: threads) { _ in runQueue(into: part, log: log) }
  }

  private func next() -> Int? {
    lock.withLock { isStopped || failure != nil ? nil : queue.popLast() }
  }

  private func runQueue(into part: AppendFile, log: AppendFile) {
    ConfigurationFiles.$current.withValue(read.configurations) {
      while let index = next() {
        do {
          let id = try plan.id(at: index)
          try part.append(ShardFiles.startedLine(id))
          let mark = ShardFiles.crashedLine(id)
          csweep_set_crash_line(mark, mark.utf8.count)
          let begin = ContinuousClock.now
          let record = run(index, id: id)
          csweep_set_crash_line(nil, 0)
          try part.append(record.line + "\n")
          try? log.append(Self.log(record, seconds: (ContinuousClock.now - begin) / .seconds(1)))
        } catch {
          lock.withLock { if failure == nil { failure = error } }
        }
      }
    }
  }

  /// One run; whatever goes wrong with it is its record.
  private func run(_ index: Int, id: String) -> RunRecord {
    do {
      let entry = try plan.entry(at: index)
      if let problem = entry.problem {
        return RunRecord(id: id, status: .failed, message: problem)
      }
      guard let text = entry.scenarioText else {
        return RunRecord(id: id, status: .failed, message: "the plan has no scenario for it")
      }
      let scenario = try ReportValue(json: Data(text.utf8))
      let tree = ScenarioValue.node(
        of: scenario, location: SourceLocation(origin: "\(plan.path):\(index + 2)"))
      return try SweepRun(
        entry: entry, tree: tree, folder: plan.header.folder, library: library,
        digests: read.digests, timeoutSeconds: plan.header.timeoutSeconds
      ).record()
    } catch {
      return RunRecord(id: id, status: .failed, message: "\(error)")
    }
  }

  private static func log(_ record: RunRecord, seconds: Double) -> String {
    let members: [ReportValue.Member] = [
      .init("id", .text(record.id)), .init("status", .text(record.status.rawValue)),
      .init("host", .text(ProcessInfo.processInfo.hostName)),
      .init("process", .integer(Int64(ProcessInfo.processInfo.processIdentifier))),
      .init("wall_s", .number(seconds)),
      .init("ended", .text(Date.now.formatted(.iso8601))),
    ]
    return JSONText.text(of: .object(members), layout: .compact) + "\n"
  }

  /// Gives the part its final name, unless another attempt was faster, and removes the parts.
  private func publish(_ part: String) {
    // A link fails where the name is taken, which a rename would not.
    if link(part, files.final) != 0, errno != EEXIST {
      // File systems without hard links.
      _ = rename(part, files.final)
    }
    for path in files.parts { try? FileManager.default.removeItem(atPath: path) }
  }
}
