// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Foundation
import Units

/// The files on which scenarios depend, by their contents.
///
/// Which files a scenario uses depends on the names in it alone, so those of scenarios that differ
/// in numbers are looked up once. Not for use from several threads.
public final class FileInventory {
  private let library: DataLibrary
  private var digestsByPath: [String: ContentDigest] = [:]
  private var pathsByNames: [String: [String]] = [:]

  /// An inventory that looks names up in a library.
  public init(library: DataLibrary) { self.library = library }

  /// The digests of all files that a resolved scenario reads before it runs, and of its traces, sorted.
  ///
  /// - Parameters:
  ///   - tree: The scenario as it was resolved.
  ///   - file: From where relative paths count.
  /// - Throws: What reading the files throws, where the scenario cannot be configured.
  public func digests(of tree: ConfigurationNode, file: String) throws -> [ContentDigest] {
    let key = Self.names(in: tree).joined(separator: "\n")
    let paths: [String]
    if let known = pathsByNames[key] {
      paths = known
    } else {
      let recorded = try ConfigurationFiles.recording {
        let scenario = try Scenario.read(tree, file: file, library: library)
        try ScenarioExecution.check(scenario, library: library)
        return scenario
      }
      let scenario = recorded.value
      var all = Set(recorded.paths)
      if let trace = scenario.workload.trace { all.insert(trace) }
      if case .trace(let trace) = scenario.routing.source {
        all.insert(trace.path)
        if let index = trace.index { all.insert(index) }
      }
      paths = all.sorted()
      pathsByNames[key] = paths
    }
    return try paths.map { try digest(ofFile: $0) }.sorted { $0.hexadecimal < $1.hexadecimal }
  }

  private func digest(ofFile path: String) throws -> ContentDigest {
    if let known = digestsByPath[path] { return known }
    let digest = try ContentDigest(ofFile: path)
    digestsByPath[path] = digest
    return digest
  }

  /// The texts of a tree with their places, in order: whatever may name a file.
  private static func names(in node: ConfigurationNode) -> [String] {
    switch node.content {
    case .null: []
    case .scalar(let text, _):
      (try? Quantity(parsing: text)) == nil ? ["\(node.path)=\(text)"] : []
    case .sequence(let elements): elements.flatMap(names)
    case .mapping(let entries): entries.flatMap { names(in: $0.value) }
    }
  }
}
