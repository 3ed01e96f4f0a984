// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// Finds model descriptors by name.
///
/// A name is that of a file `NAME.json` in one of the search folders; a path to a `config.json`, or
/// to a folder that holds one, serves as well.
public struct ModelLibrary: Sendable {
  /// Folders in which `NAME.json` is looked for, in order.
  public var folders: [String]

  /// Creates a library over `folders`.
  public init(folders: [String]) { self.folders = folders }

  /// The folders named `models` where the project's data are looked for (`DataFolders`).
  public static func standard(given: [String] = []) -> ModelLibrary {
    ModelLibrary(folders: DataFolders.named("models", given: given))
  }

  /// The names in all folders, sorted, each once.
  public var names: [String] {
    var names: Set<String> = []
    for folder in folders {
      let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for file in files where file.hasSuffix(".json") { names.insert(String(file.dropLast(5))) }
    }
    return names.sorted()
  }

  /// The path of the configuration that `name` means, or `nil`.
  public func path(of name: String) -> String? {
    let files = FileManager.default
    if !name.contains("/") {
      for folder in folders {
        let path = "\(folder)/\(name).json"
        if files.fileExists(atPath: path) { return path }
      }
    }
    var isFolder: ObjCBool = false
    guard files.fileExists(atPath: name, isDirectory: &isFolder) else { return nil }
    guard isFolder.boolValue else { return name }
    let inside = name + "/config.json"
    return files.fileExists(atPath: inside) ? inside : nil
  }

  /// Loads the model that `name` means.
  ///
  /// - Throws: `MissingFile` with the closest name when there is none; `Diagnostics` when the file
  ///   is wrong.
  public func model(named name: String) throws -> ModelDescriptor {
    guard let path = path(of: name) else {
      let known = names
      var hint = closestMatch(to: name, among: known).map { "did you mean '\($0)'? " } ?? ""
      hint +=
        known.isEmpty
        ? "there is no folder 'models' beside the program; set MOESIM_DATA"
        : "known models are \(known.joined(separator: ", "))"
      throw MissingFile(path: name, hint: hint)
    }
    return try ModelDescriptor.load(configPath: path)
  }
}

extension ModelDescriptor {
  /// The model that `name` means in the standard library.
  ///
  /// - Throws: as `ModelLibrary.model(named:)`.
  public static func named(_ name: String) throws -> ModelDescriptor {
    try ModelLibrary.standard().model(named: name)
  }
}
