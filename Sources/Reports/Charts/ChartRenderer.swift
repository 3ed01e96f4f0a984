// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Records

/// Draws charts as SVG and PNG by vl-convert, which runs as a child process.
public struct ChartRenderer: Sendable {
  /// What keeps a chart from being drawn.
  public struct Problem: Error, CustomStringConvertible, Sendable {
    /// What was found and what would be right.
    public var message: String
    /// The message.
    public var description: String { message }
  }

  /// The form of a picture.
  public enum Format: String, Sendable, CaseIterable {
    /// Scalable, as text.
    case svg
    /// Pixels, two for each of the specification's.
    case png
    /// The specification itself, for Vega-Lite; it needs no renderer.
    case vegaLite = "vl.json"

    /// The format that a file's name asks for.
    public init?(path: String) {
      guard let format = Self.allCases.first(where: { path.hasSuffix(".\($0.rawValue)") }) else {
        return nil
      }
      self = format
    }
  }

  private let folders: [String]
  private let environment: [String: String]

  /// A renderer.
  ///
  /// - Parameters:
  ///   - folders: The folders in which `make charts` makes the environment of vl-convert.
  ///   - environment: The variables of the process; `MOESIM_PYTHON` names another interpreter that
  ///     has vl-convert.
  public init(
    folders: [String], environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.folders = folders
    self.environment = environment
  }

  /// Whether there is an interpreter to draw with.
  public var isInstalled: Bool { interpreter != nil }

  private var interpreter: String? {
    if let given = environment["MOESIM_PYTHON"], !given.isEmpty { return given }
    return folders.map { "\($0)/venv/bin/python3" }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }

  /// What to say where vl-convert is missing.
  static func missingMessage(_ folder: String?) -> String {
    let place =
      folder.map { " in \(URL(filePath: $0).deletingLastPathComponent().path)" } ?? ""
    return "charts need vl-convert: run 'make charts'\(place)"
  }

  /// The bytes of a chart in a format.
  ///
  /// - Throws: A ``Problem`` where vl-convert is missing or refuses the specification.
  public func render(_ chart: Chart, as format: Format) throws -> Data {
    let text = JSONText.text(of: chart.standalone()) + "\n"
    guard format != .vegaLite else { return Data(text.utf8) }
    guard let interpreter else {
      throw Problem(message: Self.missingMessage(folders.first))
    }
    return try draw(text, format, interpreter)
  }

  /// Reads the specification from standard input and writes the picture to standard output.
  private static func program(_ format: Format) -> String {
    let call =
      format == .svg
      ? "vl_convert.vegalite_to_svg(spec).encode()" : "vl_convert.vegalite_to_png(spec, scale=2)"
    return """
      import sys
      try:
          import vl_convert
      except ImportError:
          sys.exit(86)
      spec = sys.stdin.buffer.read().decode()
      sys.stdout.buffer.write(\(call))
      """
  }

  private func draw(_ spec: String, _ format: Format, _ interpreter: String) throws -> Data {
    let process = Process()
    process.executableURL = URL(filePath: interpreter)
    process.arguments = ["-c", Self.program(format)]
    let input = Pipe()
    let output = Pipe()
    let errors = Pipe()
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    // A child that ends early must not end this process with it.
    signal(SIGPIPE, SIG_IGN)
    do { try process.run() } catch {
      throw Problem(
        message: "\(interpreter) cannot be run (\(error.localizedDescription)); "
          + Self.missingMessage(folders.first))
    }
    // The child reads all of its input before it writes.
    try? input.fileHandleForWriting.write(contentsOf: Data(spec.utf8))
    try? input.fileHandleForWriting.close()
    let picture = output.fileHandleForReading.readDataToEndOfFile()
    let complaint = String(
      decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus != 86 else {
      throw Problem(message: Self.missingMessage(folders.first))
    }
    guard process.terminationStatus == 0, !picture.isEmpty else {
      let last = complaint.split(separator: "\n").last.map(String.init) ?? "no reason given"
      throw Problem(message: "vl-convert refused the chart: \(last)")
    }
    return picture
  }
}
