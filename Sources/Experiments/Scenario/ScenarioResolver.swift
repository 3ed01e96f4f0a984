// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// Lays defaults, preset, file and overrides over one another.
struct ScenarioResolver {
  /// The scenario's file.
  let file: String
  /// Where names are looked for.
  let library: DataLibrary
  /// The folder from which relative paths count.
  let folder: String
  /// The names of profiles into which overrides reach, by key: the tree holds their content.
  private(set) var expandedNames: [(key: String, text: String, path: String)] = []

  init(file: String, library: DataLibrary) {
    self.file = file
    self.library = library
    folder = URL(filePath: file).deletingLastPathComponent().path
  }

  /// The keys whose plain text stands for a mapping, and the key of that mapping it is.
  static let shorthands = [
    ("policy", "preset"), ("routing", "generator"), ("workload", "trace"), ("cache", "experts"),
  ]
  /// The keys that name a profile, and what kind.
  static let profiles: [(key: String, kind: DataLibrary.Kind)] = [
    ("hardware", .hardware), ("model", .model), ("runtime", .runtime),
  ]

  /// The whole tree of a scenario.
  mutating func resolve(
    _ node: ConfigurationNode, overrides: [String]
  ) throws -> ConfigurationNode {
    guard node.mapping != nil else {
      throw Diagnostics([
        Diagnostic(
          location: node.location,
          message: "a scenario is a mapping of keys to values; found \(node.kindInWords)")
      ])
    }
    let collector = DiagnosticCollector()
    let tree = try apply(overrides, to: Self.normalized(node, library), into: collector)
    try collector.throwIfAny()
    let preset = try presetTree(of: tree)
    var base = ScenarioDefaults.tree()
    base = try withDefaults(ofRuntime: tree["runtime"] ?? base["runtime"], in: base)
    if let preset { base = Self.merge(policy: preset, into: base) }
    var whole = Self.ordered(Self.aligned(base, with: tree).merging(tree))
    // What is missing in the whole is missing in the file.
    whole.location = node.location
    return whole
  }

  /// The order of the top-level keys, as they are described.
  private static let order = [
    "name", "description", "hardware", "model", "runtime", "precision", "cache", "policy",
    "routing", "workload", "serving", "fleet", "slo", "run", "cost",
  ]

  /// The tree with its top-level keys in the order in which they are described, unknown ones last.
  private static func ordered(_ tree: ConfigurationNode) -> ConfigurationNode {
    guard case .mapping(let entries) = tree.content else { return tree }
    var result = tree
    let known = order.compactMap { key in entries.first { $0.key == key } }
    result.content = .mapping(known + entries.filter { !order.contains($0.key) })
    return result
  }

  /// The overrides laid over a tree, one after the other.
  private mutating func apply(
    _ overrides: [String], to tree: ConfigurationNode, into collector: DiagnosticCollector
  ) throws -> ConfigurationNode {
    var tree = tree
    for text in overrides {
      do {
        let (path, value) = try Scenario.parse(override: text)
        if let expanded = try expand(tree, for: path) { tree = expanded }
        // A default that is plain text gives way to a mapping.
        tree = try tree.setting(path, to: value, origin: "--set \(text)")
        tree = Self.normalized(tree, library)
        expandedNames.removeAll { $0.key == path }
      } catch let error as Diagnostic {
        collector.report(error)
      }
    }
    return tree
  }

  /// The tree with a named profile's content in place of its name, where a path leads into it.
  private mutating func expand(
    _ tree: ConfigurationNode, for path: String
  ) throws -> ConfigurationNode? {
    guard let dot = path.firstIndex(of: ".") else { return nil }
    let key = String(path[..<dot])
    guard let kind = Self.profiles.first(where: { $0.key == key })?.kind else { return nil }
    guard let reference = tree[key] ?? ScenarioDefaults.tree()[key], let text = reference.scalar
    else { return nil }
    guard let file = library.path(of: text, kind, from: folder) else {
      throw library.missing(text, kind)
    }
    if kind == .model {
      expandedNames.append((key: key, text: text, path: file))
      return try tree.setting(key, to: try ConfigurationNode.load(path: file), origin: file)
    }
    // Other profiles lay keys over a base themselves.
    let name = library.path(of: text, kind) == nil ? file : text
    let base = ConfigurationNode(
      .scalar(name, quoted: false), location: reference.location, path: "\(key).base")
    let entry = ConfigurationNode.Entry(
      key: "base", keyLocation: reference.location, value: base)
    return try tree.setting(
      key, to: ConfigurationNode(.mapping([entry]), location: reference.location), origin: file)
  }

  /// What a runtime has defaults of its own for: the figure of its profile, and the scenario's key.
  private static let runtimeDefaults = [
    ("memory_fraction", "cache.memory_fraction"), ("kv_block", "serving.kv_block"),
  ]

  /// The base with the defaults that a runtime's profile has for keys of a scenario.
  ///
  /// A profile that cannot be found or read is left to those who read it whole.
  private func withDefaults(
    ofRuntime node: ConfigurationNode?, in base: ConfigurationNode
  ) throws -> ConfigurationNode {
    var layers: [ConfigurationNode] = []
    if let node, node.mapping != nil { layers.append(node) }
    let named = node?.scalar ?? node?["base"]?.scalar
    if let named, let file = library.path(of: named, .runtime, from: folder),
      let profile = try? ConfigurationNode.load(path: file)
    {
      layers.append(profile)
    }
    var result = base
    for (figure, key) in Self.runtimeDefaults {
      guard let found = layers.lazy.compactMap({ $0[figure] }).first else { continue }
      let value = found["value"] ?? found
      guard value.scalar != nil else { continue }
      result = try result.setting(key, to: value, origin: found.location.file)
    }
    return result
  }

  /// The preset that the tree names.
  private func presetTree(of tree: ConfigurationNode) throws -> ConfigurationNode? {
    guard let node = tree.value(at: "policy.preset"), !node.isNull else { return nil }
    guard let name = node.scalar else {
      throw Diagnostics([
        Diagnostic(
          location: node.location, path: "policy.preset",
          message: "expected the name of a preset in policies/; found \(node.kindInWords)")
      ])
    }
    guard let path = library.path(of: name, .policy, from: folder) else {
      var missing = library.missing(name, .policy)
      missing.hint += " (named at \(node.location) as policy.preset)"
      throw missing
    }
    let preset = try ConfigurationNode.load(path: path)
    guard preset.mapping != nil else {
      throw Diagnostics([
        Diagnostic(
          location: preset.location,
          message: "a policy preset is a mapping of roles; found \(preset.kindInWords)")
      ])
    }
    return preset
  }

  /// The keys of a preset that describe it and are no part of the policy.
  static let presetDescription = ["name", "summary", "source"]

  /// The keys of a preset that are no roles: other parts of a scenario that the system comes with.
  static let presetParts = ["cache"]

  /// The tree with a preset's roles laid over its policy, and its other parts over the tree's, without
  /// what describes the preset.
  static func merge(
    policy preset: ConfigurationNode, into tree: ConfigurationNode
  ) -> ConfigurationNode {
    var policy = preset
    let entries = preset.mapping ?? []
    policy.content = .mapping(
      entries.filter { !(presetDescription + presetParts).contains($0.key) })
    let roles = ConfigurationNode.Entry(
      key: "policy", keyLocation: policy.location, value: policy.moved(to: "policy"))
    let parts = entries.filter { presetParts.contains($0.key) }
    return tree.merging(ConfigurationNode(.mapping([roles] + parts), location: policy.location))
  }

  /// The base with its roles in the form in which a tree's are laid over them: a plain name becomes
  /// a mapping where the tree sets parameters alone, and gives way with all of its parameters where
  /// the tree names another implementation.
  private static func aligned(
    _ base: ConfigurationNode, with tree: ConfigurationNode
  ) -> ConfigurationNode {
    guard let written = tree["policy"]?.mapping,
      case .mapping(var top) = base.content,
      let place = top.firstIndex(where: { $0.key == "policy" }),
      case .mapping(var roles) = top[place].value.content
    else { return base }
    for index in roles.indices {
      guard let over = written.first(where: { $0.key == roles[index].key })?.value,
        over.mapping != nil
      else { continue }
      let role = roles[index].value
      if let name = over["name"] {
        if let before = role["name"]?.scalar, name.scalar != before { roles[index].value = over }
      } else if role.scalar != nil {
        let entry = ConfigurationNode.Entry(
          key: "name", keyLocation: role.location, value: role.moved(to: "\(role.path).name"))
        roles[index].value = ConfigurationNode(
          .mapping([entry]), location: role.location, path: role.path)
      }
    }
    var result = base
    top[place].value.content = .mapping(roles)
    result.content = .mapping(top)
    return result
  }

  /// The tree with shorthands written out: `policy: lru` becomes `policy: {preset: lru}`, or
  /// `{eviction: lru}` when there is no such preset but such a rule.
  private static func normalized(
    _ tree: ConfigurationNode, _ library: DataLibrary
  ) -> ConfigurationNode {
    guard case .mapping(var entries) = tree.content else { return tree }
    for (key, inner) in shorthands {
      guard let index = entries.firstIndex(where: { $0.key == key }),
        let text = entries[index].value.scalar
      else { continue }
      var innerKey = inner
      if key == "policy", library.path(of: text, .policy) == nil,
        ScenarioRoleNames.eviction.contains(text)
      {
        innerKey = "eviction"
      }
      let value = entries[index].value
      entries[index].value = ConfigurationNode(
        .mapping([
          ConfigurationNode.Entry(
            key: innerKey, keyLocation: entries[index].keyLocation,
            value: value.moved(to: "\(key).\(innerKey)"))
        ]), location: value.location, path: key)
    }
    var result = tree
    result.content = .mapping(entries)
    return result
  }
}
