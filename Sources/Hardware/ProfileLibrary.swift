// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// The folders in which profiles are found: machines at their top, `parts/KIND/` and `runtimes/`
/// below.
public struct ProfileLibrary: Sendable {
  /// The folders, searched in order.
  public var folders: [String]

  /// Creates a library of given folders.
  public init(folders: [String]) { self.folders = folders }

  /// The usual library: `given` folders first, then those that `DataFolders` finds.
  public static func standard(given: [String] = []) -> ProfileLibrary {
    ProfileLibrary(folders: DataFolders.named("hardware-profiles", given: given))
  }

  // MARK: Names

  /// The names of all machines, sorted.
  public var machineNames: [String] { names(in: "") }
  /// The names of all runtime profiles, sorted.
  public var runtimeNames: [String] { names(in: "runtimes") }
  /// The names of all parts of one kind, sorted.
  public func partNames(_ kind: PartKind) -> [String] { names(in: "parts/\(kind.rawValue)") }

  private func names(in subfolder: String) -> [String] {
    var names: Set<String> = []
    for folder in folders {
      let path = URL(filePath: folder).appending(path: subfolder).path
      for file in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
        for suffix in Self.suffixes where file.hasSuffix(suffix) && file.count > suffix.count {
          names.insert(String(file.dropLast(suffix.count)))
        }
      }
    }
    return names.sorted()
  }

  private static let suffixes = [".yaml", ".yml", ".json"]

  /// The file of a name, or of a path when it has a "/" or ends as a profile file does.
  private func file(_ name: String, in subfolder: String, what: String) throws -> String {
    if name.contains("/") || Self.suffixes.contains(where: name.hasSuffix) {
      guard FileManager.default.fileExists(atPath: name) else { throw MissingFile(path: name) }
      return name
    }
    for folder in folders {
      for suffix in Self.suffixes {
        let path = URL(filePath: folder).appending(path: subfolder).appending(path: name + suffix)
          .path
        if FileManager.default.fileExists(atPath: path) { return path }
      }
    }
    let known = names(in: subfolder)
    let hint: String
    if let close = closestMatch(to: name, among: known) {
      hint = "did you mean '\(close)'?"
    } else if known.isEmpty {
      hint =
        "no \(what)s are found in \(folders.isEmpty ? "any folder" : folders.joined(separator: ", "))"
    } else {
      hint = "known \(what)s: " + known.joined(separator: ", ")
    }
    throw MissingFile(path: name, hint: hint)
  }

  // MARK: Profiles

  /// The machine of a name or path.
  /// - Throws: `MissingFile` when there is none, `Diagnostics` when it or one of its parts is wrong.
  public func machine(_ nameOrPath: String) throws -> MachineProfile {
    try machine(reading: try machineNode(nameOrPath, depth: 0))
  }

  /// The machine of a name, read on behalf of others that carry its laws over.
  func machine(_ nameOrPath: String, carrying: [String]) throws -> MachineProfile {
    try machine(reading: try machineNode(nameOrPath, depth: 0), carrying: carrying)
  }

  /// The content of a machine's file; with the key `base`, laid over another's.
  private func machineNode(_ nameOrPath: String, depth: Int) throws -> ConfigurationNode {
    let node = try ConfigurationNode.load(path: try file(nameOrPath, in: "", what: "machine"))
    guard let base = node["base"]?.scalar else { return node }
    guard depth < 8 else {
      throw Diagnostic(
        location: node.location, path: "base",
        message: "machines refer to machines more than eight deep; is there a circle?")
    }
    return overlay(node, on: try machineNode(base, depth: depth + 1))
  }

  private func overlay(
    _ node: ConfigurationNode, on base: ConfigurationNode
  ) -> ConfigurationNode {
    var override = node
    let described = ["base", "gpu", "drive"]
    override.content = .mapping((node.mapping ?? []).filter { !described.contains($0.key) })
    var merged = PartResolver.overlay(override, on: base)
    for (one, all) in [("gpu", "gpus"), ("drive", "drives")] {
      if let part = node[one] { merged = Self.overlay(part, key: one, onEachOf: all, in: merged) }
    }
    return merged
  }

  /// The machine that a scenario names, or describes in place.
  ///
  /// A mapping with the key `base` lays its other keys over the machine of that name; what stands
  /// under `gpu` and `drive` is laid over each of its GPUs and drives.
  /// - Throws: `MissingFile` when a machine is missing, `Diagnostics` when something is wrong.
  public func machine(_ node: ConfigurationNode) throws -> MachineProfile {
    if let name = node.scalar { return try machine(name) }
    guard let base = node["base"]?.scalar else { return try machine(reading: node) }
    let merged = overlay(node, on: try machineNode(base, depth: 0))
    return try machine(reading: merged.moved(to: node.path))
  }

  /// A machine with the same keys laid over each of its GPUs or drives, or another part in their place.
  private static func overlay(
    _ override: ConfigurationNode, key: String, onEachOf list: String,
    in machine: ConfigurationNode
  ) -> ConfigurationNode {
    guard case .mapping(var entries) = machine.content,
      let index = entries.firstIndex(where: { $0.key == list }),
      let parts = entries[index].value.sequence, !parts.isEmpty
    else {
      // Without a part to change, the key is unknown, and reading the machine says so.
      guard case .mapping(var entries) = machine.content else { return machine }
      entries.append(
        ConfigurationNode.Entry(key: key, keyLocation: override.location, value: override))
      var result = machine
      result.content = .mapping(entries)
      return result
    }
    entries[index].value.content = .sequence(
      parts.map { part in
        let named = Self.naming(part)
        var laid = PartResolver.overlay(Self.naming(override), on: named)
        if laid["count"] == nil, let count = named.mapping?.first(where: { $0.key == "count" }) {
          laid.content = .mapping((laid.mapping ?? []) + [count])
        }
        return laid
      })
    var result = machine
    result.content = .mapping(entries)
    return result
  }

  /// A part's plain name written out as a mapping.
  private static func naming(_ part: ConfigurationNode) -> ConfigurationNode {
    guard part.scalar != nil else { return part }
    let entry = ConfigurationNode.Entry(
      key: "part", keyLocation: part.location, value: part.moved(to: part.path + ".part"))
    return ConfigurationNode(.mapping([entry]), location: part.location, path: part.path)
  }

  private func machine(
    reading node: ConfigurationNode, carrying: [String] = []
  ) throws -> MachineProfile {
    let collector = DiagnosticCollector()
    let machine = MachineProfile(
      MappingReader(node, into: collector),
      parts: PartResolver(library: self, collector: collector, carrying: carrying))
    try collector.throwIfAny()
    return machine
  }

  /// The runtime profile of a name or path.
  public func runtime(_ nameOrPath: String) throws -> RuntimeProfile {
    let path = try file(nameOrPath, in: "runtimes", what: "runtime profile")
    return try runtime(reading: try ConfigurationNode.load(path: path))
  }

  /// The runtime profile that a scenario names, or describes in place; with `base`, laid over another.
  public func runtime(_ node: ConfigurationNode) throws -> RuntimeProfile {
    if let name = node.scalar { return try runtime(name) }
    guard let base = node["base"]?.scalar else { return try runtime(reading: node) }
    let path = try file(base, in: "runtimes", what: "runtime profile")
    var override = node
    override.content = .mapping((node.mapping ?? []).filter { $0.key != "base" })
    let merged = PartResolver.overlay(override, on: try ConfigurationNode.load(path: path))
    return try runtime(reading: merged.moved(to: node.path))
  }

  private func runtime(reading node: ConfigurationNode) throws -> RuntimeProfile {
    let collector = DiagnosticCollector()
    let runtime = RuntimeProfile(MappingReader(node, into: collector))
    try collector.throwIfAny()
    return runtime
  }

  /// The file of a part as it stands.
  func part(_ kind: PartKind, _ name: String) throws -> ConfigurationNode {
    let path = try file(name, in: "parts/\(kind.rawValue)", what: "\(kind.rawValue) part")
    return try ConfigurationNode.load(path: path)
  }

  /// The content of a file of fitted timing laws.
  func timing(_ name: String) throws -> ConfigurationNode {
    try ConfigurationNode.load(path: try file(name, in: "timings", what: "timing file"))
  }

  /// Reads one part alone, to check its file.
  /// - Throws: `MissingFile` or `Diagnostics`.
  public func checkPart(_ kind: PartKind, _ name: String) throws -> [ProfileEntry] {
    let collector = DiagnosticCollector()
    let parts = PartResolver(library: self, collector: collector)
    let path = try file(name, in: "parts/\(kind.rawValue)", what: "\(kind.rawValue) part")
    var node = try ConfigurationNode.load(path: path)
    if kind == .dram, node["capacity"] == nil {
      // The machine says how much of it there is.
      let capacity = ConfigurationNode(text: "32 GiB", origin: "the machine")
      node = try node.setting("capacity", to: capacity, origin: "the machine")
    }
    guard let reader = parts.reader(node, kind) else {
      try collector.throwIfAny()
      return []
    }
    let entries: [ProfileEntry] =
      switch kind {
      case .gpu: GPUProfile(reader, parts: parts).entries("")
      case .cpu: CPUProfile(reader, sockets: 1).entries("")
      case .dram: DRAMProfile(reader, count: 1).entries("")
      case .ssd: DriveProfile(reader).entries("")
      case .link: LinkProfile(reader).entries("")
      case .chassis: ChassisProfile(reader).entries("")
      case .nearData: NearDataProfile(reader).entries("")
      }
    try collector.throwIfAny()
    return entries.filter { $0.figure.origin.file != "the machine" }
  }
}
