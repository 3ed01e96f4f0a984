// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Records

/// Reads study files: scenarios with a `vary` block (docs/studies.md).
public enum StudyReader {
  /// The key of the block.
  public static let key = "vary"

  /// Reads a study that is already parsed.
  ///
  /// - Throws: `Diagnostics` with everything that is wrong with the block; the scenario is read with
  ///   each point.
  public static func read(_ node: ConfigurationNode, file: String) throws -> Study {
    let name =
      node["name"]?.scalar ?? URL(filePath: file).deletingPathExtension().lastPathComponent
    var base = node
    if let entries = node.mapping {
      base.content = .mapping(entries.filter { $0.key != key })
    }
    var study = Study(name: name, file: file, base: base)
    // A scenario's own replications are those of a study without a word on them.
    study.replications = base.value(at: "run.replications")?.scalar.flatMap { Int($0) } ?? 1
    guard let block = node[key] else { return study }
    let collector = DiagnosticCollector()
    let reader = MappingReader(block, into: collector)
    try axes(reader, into: &study, collector)
    design(reader, into: &study)
    replications(reader, into: &study)
    reader.finish()
    try collector.throwIfAny()
    return study
  }

  private static func axes(
    _ reader: MappingReader, into study: inout Study, _ collector: DiagnosticCollector
  ) throws {
    guard let over = reader.child("over") else { return }
    guard let entries = over.mapping else {
      collector.report(
        over, "expected a mapping of keys to lists or ranges; found \(over.kindInWords)")
      return
    }
    for entry in entries {
      do {
        study.axes.append(try StudyAxis(key: entry.key, node: entry.value))
      } catch {
        collector.report(error)
      }
    }
  }

  private static func design(_ reader: MappingReader, into study: inout Study) {
    let names = StudyDesign.allCases.map(\.rawValue)
    study.design = reader.choice("design", among: names).flatMap(StudyDesign.init) ?? .grid
    study.designSeed = UInt64(reader.int("seed", in: 0...Int.max) ?? 1)
    if study.design == .grid {
      if reader.has("points") {
        reader.report(
          "points", "is of designs that choose points; a grid has as many as its keys have values")
      }
    } else {
      study.points = reader.requiredInt("points", in: 1...1_000_000)
    }
  }

  private static func replications(_ reader: MappingReader, into study: inout Study) {
    if let count = reader.int("replications", in: 1...100_000) { study.replications = count }
    study.confidence =
      reader.quantity("confidence", .fraction, in: 0.5...0.9999) ?? study.confidence
    study.timeoutSeconds = reader.quantity("timeout", .seconds, in: 0.001...1e7)
    let rules = Study.WarmUp.allCases.map(\.rawValue)
    study.warmUp = reader.choice("warmup", among: rules).flatMap(Study.WarmUp.init) ?? .scenario
    guard let stop = reader.mapping("stop") else { return }
    defer { stop.finish() }
    let figure = stop.requiredString("figure")
    let precision = stop.requiredQuantity("precision", .fraction, in: 1e-6...1)
    let most = stop.int("max_replications", in: 2...100_000) ?? 50
    if study.replications < 2 {
      reader.report(
        "replications", "\(study.replications) has no interval to stop by; expected at least 2")
    }
    study.stop = Study.StoppingRule(
      figure: figure, precision: precision, maximumReplications: most)
  }
}
