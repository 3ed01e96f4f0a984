// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Runs shards on this machine in processes of their own, so that a scenario that crashes takes nothing
/// but the process of its shard with it.
///
/// A process is given several shards, fewer as fewer are left: starting one and reading files costs as much
/// as several short runs, and nobody is to wait long for the last.
public struct LocalEngine: SweepEngine, Sendable {
  /// A shard's process keeps failing.
  public struct ShardFailed: Error, CustomStringConvertible {
    /// The shard.
    public var shard: Int
    /// How its process ended.
    public var reason: String
    /// The shard and the reason.
    public var description: String { "shard \(shard): \(reason)" }
  }

  /// The program that runs a shard: moesim.
  private let executable: URL
  /// Processes at once.
  private let jobs: Int
  /// Attempts at a shard that may end without a new result.
  private static let fruitlessAttempts = 8

  /// An engine of so many processes.
  public init(executable: URL, jobs: Int) {
    self.executable = executable
    self.jobs = max(1, jobs)
  }

  /// Runs every shard that is not finished.
  public func run(plan: SweepPlanFile, folder: String, control: SweepControl) throws {
    let workers = min(jobs, plan.header.shards)
    let pool = ShardPool(shards: Array(0..<plan.header.shards), workers: workers)
    let watch = ProgressWatch(plan: plan, folder: folder, control: control)
    let group = DispatchGroup()
    for _ in 0..<workers {
      // A thread of its own each: a process dies with the thread that started it.
      group.enter()
      Thread.detachNewThread {
        while control.demand == .goOn, pool.failure == nil, let shards = pool.next() {
          do { try self.run(shards, plan: plan, folder: folder, control: control) } catch {
            pool.fail(error)
          }
        }
        group.leave()
      }
    }
    while group.wait(timeout: .now() + .milliseconds(200)) == .timedOut { watch.look() }
    watch.look()
    if let failure = pool.failure { throw failure }
  }

  private func run(
    _ shards: [Int], plan: SweepPlanFile, folder: String, control: SweepControl
  ) throws {
    let files = shards.map {
      (
        $0,
        ShardFiles(folder: folder, plan: plan.digest, shard: $0, of: plan.header.shards)
      )
    }
    var fruitless = 0
    var before = -1
    while control.demand == .goOn {
      let left = files.filter { !$0.1.isFinished }
      guard let (first, _) = left.first else { return }
      let end = try attempt(left.map(\.0), plan: plan, folder: folder, control: control)
      if control.demand != .goOn || files.allSatisfy({ $0.1.isFinished }) { return }
      // A message has been written where the process ended by itself.
      if case .exited(let code) = end, code != 0 {
        throw ShardFailed(shard: first, reason: "its process ended with exit code \(code)")
      }
      var contents = ShardFiles.Contents()
      for (_, files) in files {
        for path in files.isFinished ? [files.final] : files.parts { try contents.add(file: path) }
      }
      let done = Set(contents.records.map(\.id)).count
      fruitless = done > before ? 0 : fruitless + 1
      before = max(done, before)
      guard fruitless < Self.fruitlessAttempts else {
        throw ShardFailed(
          shard: first, reason: "its process died \(fruitless) times without a further result")
      }
    }
  }

  private enum End {
    case exited(Int32)
    case died
  }

  private func attempt(
    _ shards: [Int], plan: SweepPlanFile, folder: String, control: SweepControl
  ) throws -> End {
    let process = Process()
    process.executableURL = executable
    process.arguments =
      ["sweep", "shard", plan.path, "--out", folder, "--die-with-parent"]
      + shards.flatMap { ["--index", "\($0)/\(plan.header.shards)"] }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    var isAsked = false
    while process.isRunning {
      switch control.demand {
      case .goOn: break
      case .finishRuns:
        if !isAsked { process.terminate() }
        isAsked = true
      case .stopNow: kill(process.processIdentifier, SIGKILL)
      }
      usleep(2000)
    }
    process.waitUntilExit()
    return process.terminationReason == .exit ? .exited(process.terminationStatus) : .died
  }
}

/// The shards that are still to be taken.
private final class ShardPool: @unchecked Sendable {
  private let lock = NSLock()
  private var waiting: [Int]
  private let workers: Int
  private var error: (any Error)?

  init(shards: [Int], workers: Int) {
    waiting = shards.reversed()
    self.workers = workers
  }

  /// Shards of one process at most: a command line has an end.
  private static let most = 256

  /// Half of a worker's part of what is left.
  func next() -> [Int]? {
    lock.withLock {
      guard !waiting.isEmpty else { return nil }
      let count = min(Self.most, max(1, waiting.count / (2 * workers)))
      defer { waiting.removeLast(count) }
      return waiting.suffix(count).reversed()
    }
  }
  var failure: (any Error)? { lock.withLock { error } }
  func fail(_ error: any Error) { lock.withLock { if self.error == nil { self.error = error } } }
}
