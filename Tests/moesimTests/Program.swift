// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport

/// The built program, run as users run it.
struct Program {
  /// What a run left behind.
  struct Outcome {
    /// The exit code.
    var code: Int32
    /// What it wrote to standard output.
    var output: String
    /// What it wrote to standard error.
    var errors: String
  }

  /// The path of the program beside the tests.
  static let path: String = {
    // The runner stands in the folder of the build's products, on macOS deeper in a bundle.
    var folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    for _ in 0..<5 {
      let candidate = folder.appending(path: "moesim").path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
      folder.deleteLastPathComponent()
    }
    return "moesim"
  }()

  /// Runs the program in the checkout with arguments.
  static func run(_ arguments: [String], in folder: URL = Checkout.root) throws -> Outcome {
    try launch(path, arguments, in: folder)
  }

  /// Runs a line of shell, in which `$moesim` is the program.
  static func shell(_ line: String) throws -> Outcome {
    try launch(
      "/bin/bash", ["-c", "set -o pipefail; moesim='\(path)'; \(line)"], in: Checkout.root)
  }

  private static func launch(
    _ executable: String, _ arguments: [String], in folder: URL
  ) throws -> Outcome {
    // Files rather than pipes: a pipe that nobody empties would stop the program.
    let scratch = FileManager.default.temporaryDirectory.appending(path: "run-\(UUID())")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let (output, errors) = (scratch.appending(path: "out"), scratch.appending(path: "err"))
    for file in [output, errors] {
      FileManager.default.createFile(atPath: file.path, contents: nil)
    }
    let process = Process()
    process.executableURL = URL(filePath: executable)
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return Outcome(
      code: process.terminationStatus,
      output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
  }
}

/// A folder that lasts as long as its owner.
final class Scratch {
  let url = FileManager.default.temporaryDirectory.appending(path: "moesim-\(UUID())")

  init() throws {
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }

  @discardableResult
  func write(_ text: String, to name: String) throws -> String {
    try text.write(toFile: path(name), atomically: true, encoding: .utf8)
    return path(name)
  }
}
