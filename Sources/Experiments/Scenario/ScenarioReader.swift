// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import ModelDescriptors
import Units
import Workload

/// Turns the resolved tree of a scenario into values, collecting everything that is wrong.
struct ScenarioReader {
  let tree: ConfigurationNode
  let resolver: ScenarioResolver
  let collector = DiagnosticCollector()
  let missing = MissingCollector()

  /// What is named and not there; told after what is wrong in itself.
  final class MissingCollector {
    var all: [MissingFile] = []
  }

  func read() throws -> Scenario {
    let top = MappingReader(tree, into: collector)
    let name = top.string("name") ?? Self.stem(of: resolver.file)
    top.ignore("description")
    if top.has("vary") {
      top.report("vary", "makes this a study, which 'moesim sweep run' runs; expected a scenario")
    }
    let hardware = reference(top, "hardware", .hardware)
    let model = reference(top, "model", .model)
    let runtime = reference(top, "runtime", .runtime)
    let precision = self.precision(top)
    let cache = self.cache(top)
    let policy = self.policy(top)
    let routing = self.routing(top, model: model)
    let workload = self.workload(top)
    let serving = self.serving(top, policy: policy)
    let fleet = self.fleet(top, workload: workload)
    let objectives = self.objectives(top)
    let run = self.run(top)
    let cost = self.cost(top)
    let accuracy = ModelScore.list(top, "accuracy")
    checkEnd(of: workload, run)
    top.finish()
    try throwProblems()
    return Scenario(
      name: name, file: resolver.file, hardware: hardware, model: model, runtime: runtime,
      precision: precision, cache: cache, policy: policy, routing: routing, workload: workload,
      serving: serving, fleet: fleet, objectives: objectives, run: run, cost: cost,
      accuracy: accuracy, tree: tree)
  }

  /// Generated requests must end some day.
  private func checkEnd(of workload: WorkloadDescription, _ run: ScenarioRun) {
    guard workload.trace == nil, workload.requests == nil, run.durationSeconds == nil,
      let arrivals = tree.value(at: "workload.arrivals")
    else { return }
    collector.report(
      Diagnostic(
        location: arrivals.location, path: "workload",
        message: "a generated workload has no end; set workload.requests or run.duration"))
  }

  /// Absent files are told by themselves when nothing else is wrong, since they are another kind of
  /// failure; beside other problems they are one more.
  private func throwProblems() throws {
    if collector.isEmpty, let first = missing.all.first {
      guard missing.all.count > 1 else { throw first }
      var all = first
      all.hint = ([all.hint] + missing.all.dropFirst().map(\.description)).joined(separator: "\n")
      throw all
    }
    for file in missing.all {
      collector.report(Diagnostic(location: nil, message: file.description))
    }
    try collector.throwIfAny()
  }

  /// A profile by name or in place.
  func reference(
    _ reader: MappingReader, _ key: String, _ kind: DataLibrary.Kind
  ) -> ScenarioReference {
    let node = reader.requiredChild(key)
    if node.mapping != nil {
      if let base = node["base"], kind == .hardware || kind == .runtime, let text = base.scalar {
        return ScenarioReference(
          text: text, path: path(text, kind, base), inline: node, location: node.location)
      }
      let expanded = resolver.expandedNames.last { $0.key == node.path }
      return ScenarioReference(
        text: expanded?.text, path: expanded?.path, inline: node, location: node.location)
    }
    guard !node.isNull, let text = reader.string(key) else {
      return ScenarioReference(text: nil, path: nil, inline: nil, location: node.location)
    }
    return ScenarioReference(
      text: text, path: path(text, kind, node), inline: nil, location: node.location)
  }

  /// The path that a text means; notes what is missing.
  func path(_ text: String, _ kind: DataLibrary.Kind, _ node: ConfigurationNode) -> String? {
    if let path = resolver.library.path(of: text, kind, from: resolver.folder) { return path }
    var file = resolver.library.missing(text, kind)
    file.hint +=
      (file.hint.isEmpty ? "" : " ") + "(named at \(node.location) as \(node.path))"
    missing.all.append(file)
    return nil
  }

  func precision(_ top: MappingReader) -> ScenarioPrecision {
    var precision = ScenarioPrecision()
    guard let reader = top.mapping("precision") else { return precision }
    // In the order of the file.
    let written = (reader.node.mapping ?? []).map(\.key)
    for role in ScenarioPrecision.roles where !written.contains(role) { reader.ignore(role) }
    for role in written where ScenarioPrecision.roles.contains(role) {
      if reader.string(role) == "native" { continue }
      if let format = reader.format(role) { precision.formats.append((role, format)) }
    }
    reader.finish()
    return precision
  }

  private static func stem(of path: String) -> String {
    URL(filePath: path).deletingPathExtension().lastPathComponent
  }
}

extension ScenarioPrecision {
  /// The roles that may be given a format: those of `PrecisionPlan.roles`.
  public static let roles = PrecisionPlan.roles.map(\.key)
}
