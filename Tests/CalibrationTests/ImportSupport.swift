// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Calibration

/// What an importer makes of files of the given names and texts; the first is read.
func imported(
  _ importer: any TimingImporter, _ name: String, _ text: String, beside: [String: String] = [:],
  options: ImportOptions = ImportOptions()
) throws -> ImportedTimings {
  let folder = FileManager.default.temporaryDirectory.appending(path: "moesim-\(UUID())")
  defer { try? FileManager.default.removeItem(at: folder) }
  for (name, text) in beside.merging([name: text], uniquingKeysWith: { $1 }) {
    let file = folder.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }
  return try TimingImporters.read(
    [folder.appending(path: name).path], with: importer, options: options)
}

/// Expects that an importer refuses a file with a text that holds all of `messages`.
func expectDiagnostics(
  _ importer: any TimingImporter, _ name: String, _ text: String, _ messages: [String],
  options: ImportOptions = ImportOptions(),
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  let error = try #require(throws: (any Error).self, sourceLocation: sourceLocation) {
    try imported(importer, name, text, options: options)
  }
  for message in messages {
    #expect("\(error)".contains(message), "\(error)", sourceLocation: sourceLocation)
  }
}
