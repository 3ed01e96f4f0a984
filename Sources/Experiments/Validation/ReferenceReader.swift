// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

extension ReferenceSystem {
  /// Reads a file of reference cases.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - figures: Knows the figures of a report.
  ///   - library: Where the names that its scenarios use are looked for.
  /// - Throws: `MissingFile`; `Diagnostics` with everything that is wrong.
  public static func load(
    path: String, figures: any ResultFigures, library: DataLibrary = .standard
  ) throws -> ReferenceSystem {
    let node = try ConfigurationNode.load(path: path)
    return try read(node, file: path, figures: figures, library: library)
  }

  /// Reads a file that is already parsed; `file` is where relative paths count from.
  ///
  /// - Throws: As ``load(path:figures:library:)``.
  public static func read(
    _ node: ConfigurationNode, file: String, figures: any ResultFigures,
    library: DataLibrary = .standard
  ) throws -> ReferenceSystem {
    let collector = DiagnosticCollector()
    var reader = ReferenceReader(
      file: file, figures: figures, library: library, collector: collector)
    let system = reader.read(node)
    try collector.throwIfAny()
    return system
  }
}

/// Reads a file of reference cases, collecting what is wrong.
struct ReferenceReader {
  let file: String
  let figures: any ResultFigures
  let library: DataLibrary
  let collector: DiagnosticCollector
  /// The names of all runs, those that cannot be read included.
  private(set) var runNames: [String] = []

  init(
    file: String, figures: any ResultFigures, library: DataLibrary, collector: DiagnosticCollector
  ) {
    self.file = file
    self.figures = figures
    self.library = library
    self.collector = collector
  }

  mutating func read(_ node: ConfigurationNode) -> ReferenceSystem {
    let reader = MappingReader(node, into: collector)
    let name = reader.requiredString("system")
    let summary = reader.requiredString("summary")
    let source = reader.requiredString("source")
    let base = reader.child("scenario")
    let calibrations = reader.sequence("calibration")
    let runNodes = reader.child("runs")
    let caseNodes = reader.sequence("cases")
    let orderingNodes = reader.sequence("orderings")
    if caseNodes.isEmpty, orderingNodes.isEmpty {
      reader.report("cases", "is missing; a file holds cases, orderings or both")
    }
    reader.finish()
    let runs = readRuns(runNodes, base: base, system: name)
    let cases = caseNodes.map { readCase($0) }
    refuseTwins(cases)
    let orderings = orderingNodes.map { readOrdering($0) }
    let calibration = calibrations.map { readCalibration($0, cases: cases, runs: runs) }
    refuseUnexplained(cases, calibration)
    return ReferenceSystem(
      name: name, summary: summary, source: source, calibration: calibration, runs: runs,
      cases: cases, orderings: orderings)
  }

  // MARK: Runs

  private mutating func readRuns(
    _ node: ConfigurationNode?, base: ConfigurationNode?, system: String
  ) -> [ReferenceRun] {
    guard let node else { return [] }
    guard let entries = node.mapping else {
      collector.report(node, "expected a mapping of names to runs; found \(node.kindInWords)")
      return []
    }
    runNames = entries.map(\.key)
    guard let base else {
      collector.report(node, "are laid over a scenario, and the key 'scenario' is missing")
      return []
    }
    var settings: [(name: String, overrides: [Override])] = []
    return entries.compactMap { entry in
      let reader = MappingReader(entry.value, into: collector)
      var overrides: [Override] = []
      if let parent = reader.child("from") {
        if let found = settings.first(where: { $0.name == parent.scalar }) {
          overrides = found.overrides
        } else {
          let choice = parent.read(into: collector) { $0.choice(among: settings.map(\.name)) }
          if choice != nil { collector.report(parent, "is no run that stands above this one") }
        }
      }
      for setting in reader.mapping("set")?.node.mapping ?? [] {
        overrides.append(Override(path: setting.key, value: setting.value))
      }
      if let count = reader.int("replications", in: 1...10_000) {
        overrides.append(
          Override(
            path: "run.replications",
            value: ConfigurationNode(
              .scalar("\(count)", quoted: false), location: entry.value.location)))
      }
      reader.finish()
      settings.append((entry.key, overrides))
      return readRun(entry, base: base, overrides: overrides, system: system)
    }
  }

  /// A key of a scenario that a run sets.
  struct Override {
    var path: String
    var value: ConfigurationNode

    /// The setting as `--set` takes it.
    var text: String { "\(path)=\(value.json)" }
  }

  private func readRun(
    _ entry: ConfigurationNode.Entry, base: ConfigurationNode, overrides: [Override],
    system: String
  ) -> ReferenceRun? {
    // Re-runs that say what would help are of no use here.
    let texts = overrides.map(\.text) + ["run.improvements=false"]
    do {
      var scenario = try Scenario.read(
        base.moved(to: ""), file: file, overrides: texts, library: library)
      scenario.name = "\(system)/\(entry.key)"
      return ReferenceRun(
        name: entry.key, scenario: scenario, fingerprint: scenario.tree.json)
    } catch let error as Diagnostics {
      for diagnostic in error.all { report(diagnostic, of: entry, overrides) }
    } catch let error as Diagnostic {
      report(error, of: entry, overrides)
    } catch {
      collector.report(entry.value, "\(error)")
    }
    return nil
  }

  /// Reports what is wrong with a run's scenario at the place in this file that says so.
  private func report(
    _ diagnostic: Diagnostic, of entry: ConfigurationNode.Entry, _ overrides: [Override]
  ) {
    var diagnostic = diagnostic
    if let place = diagnostic.location, place.line == 0 {
      let origin = overrides.last { "--set \($0.text)" == place.file }
      diagnostic.location = origin?.value.location ?? entry.value.location
    }
    let inner = diagnostic.path.isEmpty ? "" : ".\(diagnostic.path)"
    diagnostic.path = "runs.\(entry.key)\(inner)"
    collector.report(diagnostic)
  }

  // MARK: Cases

  private func readCase(_ node: ConfigurationNode) -> ReferenceCase {
    let reader = MappingReader(node, into: collector)
    let id = reader.requiredString("id")
    if id.contains("/") || id.contains(where: \.isWhitespace) {
      reader.report("id", "'\(id)' holds a slash or a space, by which cases are named apart")
    }
    let what = reader.requiredString("what")
    let valueNode = reader.requiredChild("value")
    let published = readPublished(reader)
    let unit = reader.string("unit") ?? ""
    let kind = reader.choice("kind", among: ReferenceCase.Kind.allCases.map(\.rawValue))
    let grade = reader.requiredChoice(
      "grade", among: ReferenceCase.Grade.allCases.map(\.rawValue))
    let source = reader.requiredString("source")
    let tolerance = readTolerance(reader)
    let status = ReferenceCase.Status(
      rawValue: reader.requiredChoice(
        "status", among: ReferenceCase.Status.allCases.map(\.rawValue)))
    let reason = reader.string("reason")
    if let status, status != .counted, reason == nil {
      reader.report("reason", "is missing; a case that is \(status.rawValue) says why")
    }
    if status == .counted, reason != nil {
      reader.report("reason", "stands beside a case that is counted")
    }
    reader.finish()
    // A stand-in after a report: what is read on is thrown away.
    let value = (valueNode.isNull ? nil : readValue(valueNode)) ?? .sum([])
    return ReferenceCase(
      id: id, what: what, value: value,
      kind: kind.flatMap { ReferenceCase.Kind(rawValue: $0) } ?? value.kind,
      published: published, unit: unit,
      grade: ReferenceCase.Grade(rawValue: grade) ?? .notes, source: source,
      tolerance: tolerance, status: status ?? .reported, reason: reason, location: node.location)
  }

  /// A number, or the two ends of a range.
  private func readPublished(_ reader: MappingReader) -> ClosedRange<Double> {
    let node = reader.requiredChild("published")
    if let ends = node.sequence {
      let numbers = ends.compactMap { $0.read(into: collector) { $0.quantity(.fraction) } }
      if numbers.count == ends.count {
        if numbers.count == 2, numbers[0] <= numbers[1] { return numbers[0]...numbers[1] }
        collector.report(node, "expected a number, or a list of the ends of a range, low and high")
      }
      return 0...0
    }
    guard !node.isNull, let number = node.read(into: collector, { $0.quantity(.fraction) })
    else { return 0...0 }
    return number...number
  }

  private func readTolerance(_ reader: MappingReader) -> ReferenceCase.Tolerance {
    guard let node = reader.child("tolerance") else { return .relative(0.1) }
    if node.mapping != nil {
      let inner = MappingReader(node, into: collector)
      let bound = inner.requiredDouble("absolute", in: 0...Double.greatestFiniteMagnitude)
      inner.finish()
      return .absolute(bound)
    }
    return .relative(node.read(into: collector) { $0.quantity(.fraction, in: 0...10) } ?? 0)
  }

  private func refuseTwins(_ cases: [ReferenceCase]) {
    for (index, one) in cases.enumerated() {
      guard let twin = cases[..<index].first(where: { $0.id == one.id }) else { continue }
      collector.report(
        Diagnostic(
          location: one.location, path: "cases",
          message: "the id '\(one.id)' stands twice; first in line \(twin.location.line)"))
    }
  }

  private func readOrdering(_ node: ConfigurationNode) -> ReferenceOrdering {
    let reader = MappingReader(node, into: collector)
    let what = reader.requiredString("what")
    let metric = reader.child("metric").flatMap { readMetric($0) } ?? ""
    if !reader.has("metric") { reader.reportMissing("metric") }
    let better = reader.requiredChoice("better", among: ["lower", "higher"])
    let runs = reader.sequence("runs").compactMap { readRunName($0) }
    if runs.count < 2, reader.node["runs"]?.sequence?.count ?? 0 < 2 {
      reader.report("runs", "expected two runs or more, the best first")
    }
    let source = reader.requiredString("source")
    reader.finish()
    return ReferenceOrdering(
      what: what, metric: metric, lowerIsBetter: better == "lower", runs: runs, source: source)
  }

  // MARK: Names

  /// The name of a run of this file.
  func readRunName(_ node: ConfigurationNode) -> String? {
    guard !runNames.isEmpty else {
      collector.report(node, "names a run, and the file has none")
      return nil
    }
    return node.read(into: collector) { $0.choice(among: runNames) }
  }

  /// The name of a figure that a report may have.
  func readMetric(_ node: ConfigurationNode) -> String? {
    guard let text = node.read(into: collector, { $0.text }) else { return nil }
    if let problem = figures.problem(with: text) {
      collector.report(node, problem)
      return nil
    }
    return text
  }
}
