// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Foundation
import Units

extension PlanFile {
  /// The keys by which a file is known to be a plan.
  public static let marks = ["traffic", "candidates"]

  /// The most candidates that a plan may have.
  public static let mostCandidates = 20_000

  /// Reads a plan and tries that what it names exists.
  ///
  /// - Parameters:
  ///   - nameOrPath: A path, or a name in `scenarios/`.
  ///   - overrides: `path.to.key=value` settings of the plan, each value one of YAML.
  ///   - library: Where names are looked for.
  /// - Throws: `MissingFile`; `Diagnostics` with everything that is wrong.
  public static func load(
    _ nameOrPath: String, overrides: [String] = [], library: DataLibrary = .standard
  ) throws -> PlanFile {
    guard
      let path = library.path(of: nameOrPath, .scenario)
        ?? library.path(of: "plans/\(nameOrPath)", .scenario)
        ?? library.path(of: "scenarios/plans/\(nameOrPath)", .scenario)
    else { throw library.missing(nameOrPath, .scenario) }
    var node = try ConfigurationNode.load(path: path)
    for text in overrides { node = try Self.setting(text, in: node) }
    return try read(node, file: path, library: library)
  }

  private static func setting(
    _ text: String, in node: ConfigurationNode
  ) throws -> ConfigurationNode {
    let origin = "--set \(text)"
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw Diagnostic(
        location: SourceLocation(origin: origin),
        message: "'\(text)' is no setting; path.to.key=value is expected")
    }
    let value = ConfigurationNode.value(
      parsing: String(text[text.index(after: equals)...]), origin: origin)
    return try node.setting(String(text[..<equals]), to: value, origin: origin)
  }

  /// Reads a plan that is already parsed.
  ///
  /// - Throws: As ``load(_:overrides:library:)``.
  public static func read(
    _ node: ConfigurationNode, file: String, library: DataLibrary = .standard
  ) throws -> PlanFile {
    guard node.mapping != nil else {
      throw Diagnostics([
        Diagnostic(
          location: node.location,
          message: "a plan is a mapping of keys to values; found \(node.kindInWords)")
      ])
    }
    let plan = try PlanReader(node: node, file: file).read()
    try plan.tryChoices(library: library)
    return plan
  }
}

/// Turns the tree of a plan into values, collecting everything that is wrong.
struct PlanReader {
  let node: ConfigurationNode
  let file: String
  let collector = DiagnosticCollector()

  func read() throws -> PlanFile {
    let top = MappingReader(node, into: collector)
    let name =
      top.string("name") ?? URL(filePath: file).deletingPathExtension().lastPathComponent
    top.ignore("description")
    let traffic = self.traffic(top)
    let objectives = self.objectives(top)
    let limits = self.limits(top)
    let pricing =
      top.choice("pricing", among: PlanPricing.allCases.map(\.rawValue))
      .flatMap(PlanPricing.init) ?? .buy
    let axes = self.axes(top, limits: limits)
    let accuracies = self.accuracies(top)
    let search = self.search(top, traffic: traffic)
    let base = self.base(top, traffic: traffic)
    top.finish()
    try collector.throwIfAny()
    return PlanFile(
      name: name, file: file, base: base,
      hasShortTraffic: Self.shortKeys.contains { node["traffic"]?[$0] != nil },
      objectives: objectives, limits: limits,
      pricing: pricing, axes: axes, accuracies: accuracies, search: search)
  }

  // MARK: Traffic

  /// The keys of traffic that is written short.
  private static let shortKeys = ["rate", "burstiness", "users", "think", "prompt", "output"]

  /// The traffic as a scenario's `workload`; each value keeps the place where it stands.
  private func traffic(_ top: MappingReader) -> ConfigurationNode? {
    guard let written = top.child("traffic") else {
      top.reportMissing("traffic")
      return nil
    }
    guard written.mapping != nil else {
      guard written.scalar != nil else {
        collector.report(
          written, "expected a trace's path or a mapping; found \(written.kindInWords)")
        return nil
      }
      return mapping([("trace", written)], at: written)
    }
    let reader = MappingReader(written, into: collector)
    guard Self.shortKeys.contains(where: { written[$0] != nil }) else { return written }
    if reader.has("rate") == reader.has("users") {
      reader.report(
        reader.has("rate") ? "users" : "rate",
        "traffic has either a rate (6/s) or a number of users, and only one of them")
      return nil
    }
    var arrivals: [(String, ConfigurationNode)] = []
    let process =
      reader.has("users") ? "closed-loop" : reader.has("burstiness") ? "gamma" : "poisson"
    arrivals.append(
      ("process", ConfigurationNode(.scalar(process, quoted: false), location: written.location)))
    let own = reader.has("users") ? ["users", "think"] : ["rate", "burstiness"]
    for key in own { if let value = reader.child(key) { arrivals.append((key, value)) } }
    let lengths = ["prompt", "output"].map { ($0, reader.requiredChild($0)) }
    var entries = [
      ("arrivals", mapping(arrivals, at: written)), ("lengths", mapping(lengths, at: written)),
    ]
    if let requests = reader.child("requests") { entries.append(("requests", requests)) }
    reader.finish()
    return mapping(entries, at: written)
  }

  private func mapping(
    _ entries: [(String, ConfigurationNode)], at node: ConfigurationNode
  ) -> ConfigurationNode {
    ConfigurationNode(
      .mapping(
        entries.map { .init(key: $0.0, keyLocation: $0.1.location, value: $0.1) }),
      location: node.location, path: node.path)
  }

  /// The objectives, which a plan must have.
  private func objectives(_ top: MappingReader) -> [ScenarioObjective] {
    guard let reader = top.mapping("slo") else {
      if !top.has("slo") {
        top.report("slo", "is missing; expected limits such as {ttft_p99: 2 s, tpot_p99: 50 ms}")
      }
      return []
    }
    defer { reader.finish() }
    var objectives: [ScenarioObjective] = []
    for metric in ["ttft", "tpot", "e2el"] {
      for statistic in ["mean", "p50", "p90", "p95", "p99", "max"] {
        let key = "\(metric)_\(statistic)"
        guard reader.node[key] != nil else {
          reader.ignore(key)
          continue
        }
        if let limit = reader.quantity(key, .seconds, in: 1e-9...1e9) {
          objectives.append(
            ScenarioObjective(metric: metric, statistic: statistic, limitSeconds: limit))
        }
      }
    }
    if objectives.isEmpty, reader.node.mapping?.isEmpty == true {
      top.report("slo", "is empty; expected limits such as {ttft_p99: 2 s, tpot_p99: 50 ms}")
    }
    return objectives
  }

  private func limits(_ top: MappingReader) -> PlanLimits {
    var limits = PlanLimits()
    guard let reader = top.mapping("limits") else { return limits }
    defer { reader.finish() }
    limits.budget = reader.quantity("budget", .currency, in: 0...1e12)
    limits.budgetPerHour = reader.quantity("budget_per_hour", .currencyPerHour, in: 0...1e9)
    limits.power = reader.quantity("power", .watts, in: 0...1e12)
    limits.rackUnits = reader.int("rack_units", in: 0...1_000_000)
    limits.vendors = reader.strings("vendors")
    return limits
  }

  private func accuracies(_ top: MappingReader) -> [PlanAccuracy] {
    top.sequence("accuracy").map { element in
      let reader = MappingReader(element, into: collector)
      defer { reader.finish() }
      return PlanAccuracy(
        model: reader.string("model"), precision: reader.string("precision"),
        policy: reader.string("policy"),
        value: reader.requiredQuantity("value", .fraction, in: 0...1),
        source: reader.requiredString("source"))
    }
  }

  private func search(_ top: MappingReader, traffic: ConfigurationNode?) -> PlanSearchOptions {
    let written = top.child("search")
    let reader = MappingReader(
      written ?? ConfigurationNode(.mapping([]), location: node.location, path: "search"),
      into: collector)
    defer { reader.finish() }
    var requests = reader.int("requests", in: 8...100_000_000)
    if requests == nil, let node = traffic?["requests"] {
      requests = node.read(into: collector) { $0.integer(in: 8...100_000_000) }
    }
    let full = requests ?? 1000
    let screening = reader.int("screening", in: 8...100_000_000) ?? max(8, full / 16)
    if screening > full {
      reader.report(
        "screening", "\(screening) requests, and a full run has \(full); expected at most as many")
    }
    return PlanSearchOptions(
      requests: full, screening: screening,
      reduction: reader.int("reduction", in: 2...64) ?? 4,
      finalists: reader.int("finalists", in: 1...1000) ?? 4,
      replications: reader.int("replications", in: 2...1000) ?? 5,
      details: reader.int("details", in: 0...1000) ?? 3,
      seed: UInt64(reader.int("seed", in: 0...Int.max) ?? 1))
  }

  // MARK: What candidates have in common

  /// Keys of a scenario that stand elsewhere in a plan, and where.
  private static let elsewhere = [
    ("hardware", "candidates.hardware"), ("model", "models"), ("workload", "traffic"),
    ("slo", "slo"), ("name", "name"),
  ]

  private func base(_ top: MappingReader, traffic: ConfigurationNode?) -> ConfigurationNode {
    let written =
      top.child("base") ?? ConfigurationNode(.mapping([]), location: node.location, path: "base")
    guard let entries = written.mapping else {
      collector.report(written, "expected a part of a scenario; found \(written.kindInWords)")
      return written
    }
    for (key, place) in Self.elsewhere where written[key] != nil {
      collector.report(
        Diagnostic(
          location: written[key]?.location, path: "base.\(key)",
          message: "is no part of what candidates have in common; expected it as '\(place)'"))
    }
    for key in ["seed", "replications", "improvements"] {
      guard let value = written.value(at: "run.\(key)") else { continue }
      collector.report(
        Diagnostic(
          location: value.location, path: "base.run.\(key)",
          message: key == "improvements"
            ? "has no use in a plan, which finds sensitivities itself; leave it out"
            : "is the search's; expected it as 'search.\(key)'"))
    }
    var result = written
    var all = entries.map { entry in
      var entry = entry
      if entry.key == "cache" { entry.value = PlanChoice.cacheMapping(entry.value) }
      return entry
    }
    if let traffic {
      all.append(.init(key: "workload", keyLocation: traffic.location, value: traffic))
    }
    if let slo = node["slo"] {
      all.append(.init(key: "slo", keyLocation: slo.location, value: slo))
    }
    result.content = .mapping(all)
    return result.moved(to: "")
  }
}
