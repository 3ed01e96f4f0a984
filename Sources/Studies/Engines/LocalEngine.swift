// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Runs shards on this machine, each in a process of its own, so that a scenario that crashes takes
/// nothing but its own shard's process with it.
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
    let pool = ShardPool(shards: Array(0..<plan.header.shards))
    let watch = ProgressWatch(plan: plan, folder: folder, control: control)
    let group = DispatchGroup()
    for _ in 0..<min(jobs, plan.header.shards) {
      // A thread of its own each: a process dies with the thread that started it.
      group.enter()
      Thread.detachNewThread {
        while control.demand == .goOn, pool.failure == nil, let shard = pool.next() {
          do { try self.runShard(shard, plan: plan, folder: folder, control: control) } catch {
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

  private func runShard(
    _ shard: Int, plan: SweepPlanFile, folder: String, control: SweepControl
  ) throws {
    let files = ShardFiles(folder: folder, plan: plan.digest, shard: shard, of: plan.header.shards)
    var fruitless = 0
    var before = -1
    while !files.isFinished, control.demand == .goOn {
      let end = try attempt(shard, plan: plan, folder: folder, control: control)
      if files.isFinished || control.demand != .goOn { return }
      // A message has been written where the process ended by itself.
      if case .exited(let code) = end, code != 0 {
        throw ShardFailed(shard: shard, reason: "its process ended with exit code \(code)")
      }
      var contents = ShardFiles.Contents()
      for path in files.parts { try contents.add(file: path) }
      let done = Set(contents.records.map(\.id)).count
      fruitless = done > before ? 0 : fruitless + 1
      before = max(done, before)
      guard fruitless < Self.fruitlessAttempts else {
        throw ShardFailed(
          shard: shard, reason: "its process died \(fruitless) times without a further result")
      }
    }
  }

  private enum End {
    case exited(Int32)
    case died
  }

  private func attempt(
    _ shard: Int, plan: SweepPlanFile, folder: String, control: SweepControl
  ) throws -> End {
    let process = Process()
    process.executableURL = executable
    process.arguments = [
      "sweep", "shard", plan.path, "--index", "\(shard)/\(plan.header.shards)", "--out", folder,
      "--die-with-parent",
    ]
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
  private var error: (any Error)?

  init(shards: [Int]) { waiting = shards.reversed() }

  func next() -> Int? { lock.withLock { waiting.popLast() } }
  var failure: (any Error)? { lock.withLock { error } }
  func fail(_ error: any Error) { lock.withLock { if self.error == nil { self.error = error } } }
}
