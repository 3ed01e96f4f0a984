// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Runs shards on the workers of a Dask cluster, by the adapter that the package ships.
public struct DaskEngine: SweepEngine {
  /// What keeps a cluster from being used.
  public struct Problem: Error, CustomStringConvertible, Sendable {
    /// What was found and what would be right.
    public var message: String
    /// The message.
    public var description: String { message }
  }

  /// The adapter's name in the folders of engines.
  static let adapterName = "moesim_dask.py"

  private let executable: URL
  private let scheduler: String?
  private let workers: Int
  private let adapter: String
  private let interpreter: String

  /// An engine on a cluster.
  ///
  /// - Parameters:
  ///   - executable: The program that runs a shard, at the same path on every worker.
  ///   - scheduler: The scheduler's address; `nil` starts a cluster on this machine.
  ///   - workers: The workers of such a cluster.
  ///   - folders: Where the adapter is looked for.
  /// - Throws: A ``Problem`` where the adapter is missing.
  public init(executable: URL, scheduler: String?, workers: Int, folders: [String]) throws {
    guard
      let folder = folders.first(where: {
        FileManager.default.fileExists(atPath: "\($0)/\(Self.adapterName)")
      })
    else {
      throw Problem(
        message: "the Dask adapter \(Self.adapterName) was not found; set MOESIM_DATA to where"
          + " moesim's data are")
    }
    self.executable = executable
    self.scheduler = scheduler
    self.workers = workers
    adapter = "\(folder)/\(Self.adapterName)"
    let own = "\(folder)/venv/bin/python3"
    interpreter =
      ProcessInfo.processInfo.environment["MOESIM_PYTHON"]
      ?? (FileManager.default.isExecutableFile(atPath: own) ? own : "python3")
  }

  /// Runs every shard that is not finished.
  public func run(plan: SweepPlanFile, folder: String, control: SweepControl) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    var arguments = [
      interpreter, adapter, plan.path, "--shards", "\(plan.header.shards)", "--out", folder,
      "--moesim", executable.path, "--workers", "\(workers)",
    ]
    if let scheduler { arguments += ["--scheduler", scheduler] }
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let watch = ProgressWatch(plan: plan, folder: folder, control: control)
    var isAsked = false
    while process.isRunning {
      switch control.demand {
      case .goOn: break
      case .finishRuns:
        if !isAsked { process.terminate() }
        isAsked = true
      case .stopNow: kill(process.processIdentifier, SIGKILL)
      }
      watch.look()
      usleep(200_000)
    }
    process.waitUntilExit()
    watch.look()
    guard process.terminationStatus != 0, control.demand == .goOn else { return }
    throw Problem(
      message:
        "the Dask adapter ended with exit code \(process.terminationStatus); its messages stand"
        + " above, and the part files hold what has ended")
  }
}
