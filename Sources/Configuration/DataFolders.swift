// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Where the data files that the project ships are looked for.
///
/// In this order: folders given by the user, `$MOESIM_DATA`, the folders above the executable (a
/// checkout, or `../share/moesim` of an installation), and the folders above the working folder.
public enum DataFolders {
  /// The existing folders named `name` ("hardware-profiles", "models", …), nearest first, each once.
  /// - Parameters:
  ///   - given: folders which hold the files themselves; one that does not exist is kept, so that
  ///     the error about it can name it.
  ///   - environment: the variables of the process.
  ///   - executable: the path of the running program, links resolved.
  public static func named(
    _ name: String, given: [String] = [],
    environment: [String: String] = ProcessInfo.processInfo.environment,
    executable: String? = Bundle.main.executablePath
  ) -> [String] {
    var found = given
    func add(_ folder: URL) {
      let path = folder.standardizedFileURL.path
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
        isDirectory.boolValue, !found.contains(path)
      else { return }
      found.append(path)
    }
    if let data = environment["MOESIM_DATA"], !data.isEmpty {
      add(URL(filePath: data).appending(path: name))
    }
    if let executable {
      var folder = URL(filePath: executable).resolvingSymlinksInPath().deletingLastPathComponent()
      add(folder.deletingLastPathComponent().appending(path: "share/moesim/\(name)"))
      // .build/x86_64-unknown-linux-gnu/release/moesim stands four levels below the checkout.
      for _ in 0..<6 {
        add(folder.appending(path: name))
        folder.deleteLastPathComponent()
      }
    }
    var folder = URL(filePath: FileManager.default.currentDirectoryPath)
    for _ in 0..<4 {
      add(folder.appending(path: name))
      folder.deleteLastPathComponent()
    }
    return found
  }
}
