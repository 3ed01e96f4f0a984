// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Writes a page as a notebook with its data beside it.
public enum NotebookWriter {
  /// The ending of a notebook's name.
  public static let suffix = ".ipynb"

  /// The folder of a notebook's data: `NAME-data` beside `NAME.ipynb`.
  public static func folder(of path: String) -> String {
    (path.hasSuffix(suffix) ? String(path.dropLast(suffix.count)) : path) + "-data"
  }

  /// Writes the data, then the notebook, each file whole or not at all.
  ///
  /// Files of earlier notebooks in the folder are replaced where they have the same name, and stay
  /// otherwise. A folder that is missing is made.
  ///
  /// - Throws: A ``WriteFailure``.
  public static func write(_ document: PageDocument, to path: String) throws {
    let folder = folder(of: path)
    let made = NotebookMaker(document, folder: URL(filePath: folder).lastPathComponent)
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      let reason = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
      throw WriteFailure(
        target: folder, operation: "create", code: reason.map { Int32($0.code) } ?? ENOTDIR)
    }
    for file in made.files { try OutputWriter.write(file.text, to: "\(folder)/\(file.name)") }
    try OutputWriter.write(made.notebook.text, to: path)
  }
}
