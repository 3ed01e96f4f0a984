// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving

/// The rules by which a table's serving points become scenarios, a file of `observations/`.
///
/// Rules apply in their order, each to the points that its conditions cover; the keys of later ones are
/// laid over those of earlier ones.
public struct PointRules: Sendable {
  /// A point as a scenario, or why there is none.
  public struct Resolved: Sendable {
    /// The point.
    public var point: ServingPoint
    /// How the replica was spread.
    public var plan: ParallelPlan
    /// The scenario's keys.
    public var tree: ConfigurationNode
    /// Whether kernels are those of another machine, carried over.
    public var isTransferred: Bool
    /// Whether settings or constants were found in this point and others of its group.
    public var isFitted: Bool
  }

  /// The rules, in their order.
  public var rules: [PointRule]
  /// The file, from which relative paths in scenarios count.
  public var file: String

  /// Loads rules by name or path.
  ///
  /// - Throws: `MissingFile`, `Diagnostics`.
  public static func load(
    _ nameOrPath: String, library: DataLibrary = .standard
  ) throws -> PointRules {
    guard let path = library.path(of: nameOrPath, .observations) else {
      throw library.missing(nameOrPath, .observations)
    }
    return try PointRules(try ConfigurationNode.load(path: path), file: path)
  }

  /// Reads rules that are already parsed.
  ///
  /// - Throws: `Diagnostics`.
  init(_ node: ConfigurationNode, file: String) throws {
    self.file = file
    let collector = DiagnosticCollector()
    let reader = MappingReader(node, into: collector)
    _ = reader.string("summary")
    rules = reader.sequence("rules").map { PointRule(MappingReader($0, into: collector)) }
    if reader.has("rules"), rules.isEmpty { reader.report("rules", "are none; expected a list") }
    if !reader.has("rules") { reader.reportMissing("rules") }
    reader.finish()
    try collector.throwIfAny()
  }

  /// What the rules make of a point.
  ///
  /// - Returns: The scenario, or in words why there is none.
  /// - Throws: A diagnostic where an expression is wrong.
  public func resolve(_ point: ServingPoint) throws(Diagnostic) -> Result<Resolved, Unsupported> {
    var plan: ParallelPlan
    switch PointParallelism.read(point.recorded, backend: point.backend) {
    case .unsupported(let reason): return .failure(Unsupported(reason: reason))
    case .plan(let read): plan = read
    }
    guard point.concurrency ?? 0 > 0 else {
      return .failure(Unsupported(reason: "its concurrency is not recorded"))
    }
    let recorded = plan
    var tree = ConfigurationNode(.mapping([]), location: SourceLocation(origin: file))
    var isTransferred = false
    var isFitted = false
    for rule in rules where rule.covers(point, plan: recorded) {
      if let reason = rule.refusal { return .failure(Unsupported(reason: reason)) }
      if let settings = rule.settings { tree = tree.merging(settings.moved(to: "")) }
      isTransferred = rule.isTransferred ?? isTransferred
      isFitted = rule.isFitted ?? isFitted
      plan = rule.plan ?? plan
    }
    for key in ["hardware", "model", "runtime"] where tree[key] == nil {
      return .failure(Unsupported(reason: "no rule names its \(key)"))
    }
    tree = try tree.evaluated([
      "prompt": point.prompt, "output": point.output, "concurrency": point.concurrency ?? 0,
      "tensor": plan.tensor, "data": plan.data, "expert": plan.expert,
    ])
    tree = try tree.setting(
      "name", to: ConfigurationNode(text: point.id, origin: "the table"), origin: "the table")
    if plan != .single {
      for (key, value) in [
        ("tensor", plan.tensor), ("data", plan.data), ("expert", plan.expert),
      ] {
        let number = ConfigurationNode(
          .scalar("\(value)", quoted: false), location: SourceLocation(origin: "the table"))
        tree = try tree.setting("serving.parallelism.\(key)", to: number, origin: "the table")
      }
    }
    return .success(
      Resolved(
        point: point, plan: plan, tree: tree, isTransferred: isTransferred, isFitted: isFitted))
  }

  /// Why a point is not simulated.
  public struct Unsupported: Error, Hashable, Sendable {
    /// In words.
    public var reason: String
  }
}
