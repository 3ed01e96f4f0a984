// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// Finds the files that a user names: profiles, models, presets, traces, scenarios.
///
/// A name is looked for in the project's data folders (`DataFolders` says which these are). A path
/// serves as well; a relative one counts from the file that names it, then from the current folder,
/// then from the data folders.
public struct DataLibrary: Sendable {
  /// A kind of data file.
  public enum Kind: String, CaseIterable, Sendable {
    /// Machines.
    case hardware
    /// What a runtime's software costs.
    case runtime
    /// How sets of kernels depart from the timing law.
    case kernels
    /// Model descriptors.
    case model
    /// Policy presets.
    case policy
    /// Request traces and routing traces.
    case trace
    /// Parameters of routing generators.
    case routing
    /// Scenarios.
    case scenario
    /// Published figures beside which simulations are set.
    case referenceCases = "reference case"
    /// Rules by which measured serving points become scenarios.
    case observations = "observation rule file"

    /// The folder of such files, below a data folder.
    public var folder: String {
      switch self {
      case .hardware: "hardware-profiles"
      case .runtime: "hardware-profiles/runtimes"
      case .kernels: "hardware-profiles/kernels"
      case .model: "models"
      case .policy: "policies"
      case .trace: "traces"
      case .routing: "traces/routing"
      case .scenario: "scenarios"
      case .referenceCases: "reference-cases"
      case .observations: "observations"
      }
    }

    /// The folder, and those beside it that hold the same kind.
    var allFolders: [String] { self == .trace ? [folder, Kind.routing.folder] : [folder] }

    /// The endings that a name may leave out.
    public var extensions: [String] {
      switch self {
      case .model: ["json"]
      case .trace: ["csv", "jsonl", "moesim"]
      default: ["yaml", "yml", "json"]
      }
    }
  }

  /// The folders of each kind, in the order of search.
  private let foldersByKind: [Kind: [String]]

  /// A library over some data folders, each with the folders of the kinds below it.
  public init(roots: [String]) {
    foldersByKind = Dictionary(
      uniqueKeysWithValues: Kind.allCases.map { kind in
        (kind, kind.allFolders.flatMap { folder in roots.map { "\($0)/\(folder)" } })
      })
  }

  private init(foldersByKind: [Kind: [String]]) { self.foldersByKind = foldersByKind }

  /// The library of this process, as `DataFolders` finds it.
  public static var standard: DataLibrary {
    DataLibrary(
      foldersByKind: Dictionary(
        uniqueKeysWithValues: Kind.allCases.map { kind in
          (kind, kind.allFolders.flatMap { DataFolders.named($0) })
        }))
  }

  /// The folders in which files of a kind are looked for, in order.
  public func folders(_ kind: Kind) -> [String] { foldersByKind[kind] ?? [] }

  /// The path that a name or path means, or `nil`.
  ///
  /// - Parameters:
  ///   - text: A name, or a path.
  ///   - kind: What it names.
  ///   - folder: The folder of the file that names it.
  public func path(of text: String, _ kind: Kind, from folder: String? = nil) -> String? {
    guard !text.isEmpty else { return nil }
    if !text.contains("/") {
      for folder in folders(kind) {
        let base = "\(folder)/\(text)"
        for name in kind.extensions.map({ "\(base).\($0)" }) + [base] where Self.isFile(name) {
          return name
        }
      }
    }
    if text.hasPrefix("/") { return Self.existing(text, kind) }
    let home = FileManager.default.homeDirectoryForCurrentUser.path
    if text.hasPrefix("~/") { return Self.existing(home + text.dropFirst(1), kind) }
    let data = folders(kind).map { folder in
      // A path such as "traces/a.csv" counts from above the folder.
      kind.folder.split(separator: "/").reduce(URL(filePath: folder)) { url, _ in
        url.deletingLastPathComponent()
      }.path
    }
    let bases = [folder, FileManager.default.currentDirectoryPath].compactMap { $0 } + data
    for base in bases {
      if let found = Self.existing("\(base)/\(text)", kind) { return found }
    }
    return nil
  }

  /// The names of all files of a kind, sorted, each once.
  public func names(_ kind: Kind) -> [String] {
    var names: Set<String> = []
    for folder in folders(kind) {
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
    } else if known.isEmpty, folders(kind).isEmpty {
      hint = "no folder '\(kind.folder)' was found; set MOESIM_DATA to where moesim's data are"
    } else if known.isEmpty {
      hint = "\(folders(kind).joined(separator: ", ")) hold no \(kind.rawValue)s"
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
