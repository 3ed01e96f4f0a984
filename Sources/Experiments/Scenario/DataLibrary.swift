// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// Finds the files that a user names: profiles, models, presets, traces, scenarios.
///
/// A name is looked for in the project's data folders: those of `$MOESIM_DATA`, the current folder,
/// and the folders above the program with their `share/moesim`. A path serves as well; a relative
/// one counts from the file that names it, then from the current folder, then from the data folders.
public struct DataLibrary: Sendable {
  /// A kind of data file.
  public enum Kind: String, CaseIterable, Sendable {
    /// Machines.
    case hardware
    /// What a runtime's software costs.
    case runtime
    /// Model descriptors.
    case model
    /// Policy presets.
    case policy
    /// Request traces.
    case trace
    /// Parameters of routing generators.
    case routing
    /// Scenarios.
    case scenario

    /// The folder of such files, below a data folder.
    public var folder: String {
      switch self {
      case .hardware: "hardware-profiles"
      case .runtime: "hardware-profiles/runtimes"
      case .model: "models"
      case .policy: "policies"
      case .trace: "traces"
      case .routing: "traces/routing"
      case .scenario: "scenarios"
      }
    }

    /// The endings that a name may leave out.
    public var extensions: [String] {
      switch self {
      case .model: ["json"]
      case .trace: ["csv", "jsonl"]
      default: ["yaml", "yml", "json"]
      }
    }
  }

  /// The data folders, in the order of search.
  public var roots: [String]

  /// A library over some data folders.
  public init(roots: [String]) { self.roots = roots }

  /// The library of this process.
  public static var standard: DataLibrary {
    let files = FileManager.default
    var roots = (ProcessInfo.processInfo.environment["MOESIM_DATA"] ?? "")
      .split(separator: ":").map(String.init)
    roots.append(files.currentDirectoryPath)
    if let executable = Bundle.main.executableURL?.resolvingSymlinksInPath() {
      var folder = executable.deletingLastPathComponent()
      for _ in 0..<5 {
        roots.append(folder.path)
        roots.append(folder.appending(path: "share/moesim").path)
        folder = folder.deletingLastPathComponent()
      }
    }
    var known: [String] = []
    for root in roots where !known.contains(root) {
      let holdsData = Kind.allCases.contains { files.fileExists(atPath: "\(root)/\($0.folder)") }
      if holdsData { known.append(root) }
    }
    return DataLibrary(roots: known)
  }

  /// The path that a name or path means, or `nil`.
  ///
  /// - Parameters:
  ///   - text: A name, or a path.
  ///   - kind: What it names.
  ///   - folder: The folder of the file that names it.
  public func path(of text: String, _ kind: Kind, from folder: String? = nil) -> String? {
    guard !text.isEmpty else { return nil }
    if !text.contains("/") {
      for root in roots {
        let base = "\(root)/\(kind.folder)/\(text)"
        for name in kind.extensions.map({ "\(base).\($0)" }) + [base] where Self.isFile(name) {
          return name
        }
      }
    }
    if text.hasPrefix("/") { return Self.existing(text, kind) }
    let home = FileManager.default.homeDirectoryForCurrentUser.path
    if text.hasPrefix("~/") { return Self.existing(home + text.dropFirst(1), kind) }
    let bases = [folder, FileManager.default.currentDirectoryPath].compactMap { $0 } + roots
    for base in bases {
      if let found = Self.existing("\(base)/\(text)", kind) { return found }
    }
    return nil
  }

  /// The names of all files of a kind, sorted, each once.
  public func names(_ kind: Kind) -> [String] {
    var names: Set<String> = []
    for root in roots {
      let folder = "\(root)/\(kind.folder)"
      for file in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
        let url = URL(filePath: file)
        guard kind.extensions.contains(url.pathExtension) else { continue }
        // The full name where the ending tells formats apart.
        names.insert(kind == .trace ? file : url.deletingPathExtension().lastPathComponent)
      }
    }
    return names.sorted()
  }

  /// The error of a name that means nothing.
  public func missing(_ text: String, _ kind: Kind) -> MissingFile {
    let known = names(kind)
    let stem = URL(filePath: text).deletingPathExtension().lastPathComponent
    var hint = ""
    if let guess = closestMatch(to: text, among: known) ?? closestMatch(to: stem, among: known) {
      hint = "did you mean '\(guess)'?"
    } else if known.isEmpty {
      hint = "no folder '\(kind.folder)' was found; set MOESIM_DATA to where moesim's data are"
    } else if known.count <= 12 {
      hint = "known names: \(known.joined(separator: ", "))"
    } else {
      hint = "the folder '\(kind.folder)' holds \(known.count) others"
    }
    return MissingFile(path: text, hint: hint)
  }

  private static func existing(_ path: String, _ kind: Kind) -> String? {
    if isFile(path) { return path }
    if kind == .model, isFile(path + "/config.json") { return path + "/config.json" }
    for ending in kind.extensions where isFile("\(path).\(ending)") { return "\(path).\(ending)" }
    return nil
  }

  /// Whether something that can be read stands there; a pipe is a file too.
  private static func isFile(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && !isFolder.boolValue
  }
}
