// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// The kinds of parts, each with a folder under `parts/`.
public enum PartKind: String, CaseIterable, Sendable {
  case gpu, cpu, dram, ssd, link, chassis
  case nearData = "near-data"
}

/// Finds the parts that a machine names, and lays the machine's own values over them.
struct PartResolver {
  let library: ProfileLibrary
  let collector: DiagnosticCollector
  /// The machines whose laws are being carried over to one another, the one being read last.
  var carrying: [String] = []

  /// A reader of the part that `node` describes: a name, or a mapping with `part` and overrides, or
  /// a mapping that says everything. `nil` after reporting that there is none.
  func reader(_ node: ConfigurationNode, _ kind: PartKind) -> MappingReader? {
    if node.isNull { return nil }
    return resolve(node, kind, depth: 0).map { MappingReader(withTiming($0), into: collector) }
  }

  /// The part with its timing laws in place, where it names the file that they stand in.
  private func withTiming(_ part: ConfigurationNode) -> ConfigurationNode {
    guard case .mapping(var entries) = part.content,
      let index = entries.firstIndex(where: { $0.key == "timing" }),
      let name = entries[index].value.scalar
    else { return part }
    do {
      entries[index].value = try library.timing(name)
    } catch let error as Diagnostics {
      for diagnostic in error.all { collector.report(diagnostic) }
      entries.remove(at: index)
    } catch {
      collector.report(entries[index].value, "\(error)")
      entries.remove(at: index)
    }
    var result = part
    result.content = .mapping(entries)
    return result
  }

  /// The device whose laws `timing: {from: MACHINE}` carries over: the first GPU of that machine; `nil`
  /// after reporting what is wrong.
  func timingOrigin(_ timing: ConfigurationNode, _ from: ConfigurationNode) -> GPUProfile? {
    if let other = timing.mapping?.first(where: { $0.key != "from" }) {
      collector.report(
        other.value, "stands beside 'from', which takes all laws from another machine; expected one"
      )
    }
    guard let name = from.scalar else {
      collector.report(from, "expected the name of a machine; found \(from.kindInWords)")
      return nil
    }
    guard !carrying.contains(name), carrying.count < 8 else {
      collector.report(
        from,
        "laws are carried over in a circle: \((carrying + [name]).joined(separator: " from "))")
      return nil
    }
    do {
      let machine = try library.machine(name, carrying: carrying + [name])
      guard let gpu = machine.gpus.first else {
        collector.report(from, "\(name) has no GPU whose laws could be carried over")
        return nil
      }
      guard gpu.timing != nil || gpu.timingOrigin != nil else {
        collector.report(
          from,
          "the GPUs of \(name) carry no fitted laws; expected a machine whose GPUs have 'timing'")
        return nil
      }
      return gpu
    } catch let error as Diagnostics {
      for diagnostic in error.all { collector.report(diagnostic) }
    } catch {
      collector.report(from, "\(error)")
    }
    return nil
  }

  /// The same, with `count`: how many of them there are.
  func countedReader(
    _ node: ConfigurationNode, _ kind: PartKind
  ) -> (reader: MappingReader, count: Int)? {
    var count = 1
    var rest = node
    if let entries = node.mapping {
      if let value = node["count"] {
        guard let number = value.read(into: collector, { $0.integer(in: 1...1024) }) else {
          return nil
        }
        count = number
      }
      rest.content = .mapping(entries.filter { $0.key != "count" })
    }
    return reader(rest, kind).map { ($0, count) }
  }

  private func resolve(
    _ node: ConfigurationNode, _ kind: PartKind, depth: Int
  ) -> ConfigurationNode? {
    guard depth < 8 else {
      collector.report(node, "parts refer to parts more than eight deep; is there a circle?")
      return nil
    }
    guard let name = node.scalar ?? node["part"]?.scalar else {
      if let part = node["part"] {
        collector.report(part, "expected the name of a part; found \(part.kindInWords)")
        return nil
      }
      return node
    }
    let place = node["part"] ?? node
    guard let base = load(name, kind, place),
      let resolved = resolve(base, kind, depth: depth + 1)
    else { return nil }
    guard let entries = node.mapping else { return resolved.moved(to: node.path) }
    var override = node
    override.content = .mapping(entries.filter { $0.key != "part" })
    return Self.overlay(override, on: resolved).moved(to: node.path)
  }

  private func load(
    _ name: String, _ kind: PartKind, _ place: ConfigurationNode
  ) -> ConfigurationNode? {
    do {
      return try library.part(kind, name)
    } catch let error as Diagnostics {
      for diagnostic in error.all { collector.report(diagnostic) }
    } catch {
      collector.report(place, "\(error)")
    }
    return nil
  }

  /// `override` laid over `base`, key by key.
  ///
  /// A bare number over a figure replaces the number and its source, and keeps an achievable share
  /// (but not an achievable rate, which was that of the old number). A mapping that names a part of
  /// its own replaces the old one, overrides and all.
  static func overlay(
    _ override: ConfigurationNode, on base: ConfigurationNode
  ) -> ConfigurationNode {
    guard let old = base.mapping else { return override }
    if override.scalar != nil, let name = ["nominal", "value"].first(where: { base[$0] != nil }) {
      var kept = old.filter {
        ["achievable", "achievable_source", "achievable_assumption"].contains($0.key)
      }
      let share = base["achievable"]?.scalar.map { $0.hasSuffix("%") || Double($0) != nil } ?? false
      if !share { kept = [] }
      var value = override
      value.path = override.path + "." + name
      var result = base
      result.location = override.location
      result.content = .mapping(
        [ConfigurationNode.Entry(key: name, keyLocation: override.location, value: value)] + kept)
      return result
    }
    guard let entries = override.mapping, override["part"] == nil else { return override }
    var merged = old
    for entry in entries {
      if let index = merged.firstIndex(where: { $0.key == entry.key }) {
        merged[index].value = overlay(entry.value, on: merged[index].value)
        merged[index].keyLocation = entry.keyLocation
      } else {
        merged.append(entry)
      }
    }
    var result = base
    result.content = .mapping(merged)
    return result
  }
}
