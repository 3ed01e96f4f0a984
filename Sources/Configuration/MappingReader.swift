// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// Reads the keys of one mapping, collecting errors instead of stopping at the first.
///
/// Ask for each key that may be there, then call `finish()`, which reports the keys that nobody
/// asked for with the one that was probably meant. A method that finds nothing, or nothing right,
/// answers `nil`; in the second case it has reported why. The `required…` methods answer a stand-in
/// after reporting, so that reading can go on: throw what the collector holds before using them.
public final class MappingReader {
  /// The mapping that is read.
  public let node: ConfigurationNode
  /// Where errors go.
  public let collector: DiagnosticCollector
  private var asked: [String] = []
  private var ignoresRest = false

  /// Starts reading `node`; reports when it is no mapping, and goes on with an empty one.
  public init(_ node: ConfigurationNode, into collector: DiagnosticCollector) {
    self.node = node
    self.collector = collector
    if node.mapping == nil {
      collector.report(node, "expected a mapping of keys to values; found \(node.kindInWords)")
      ignoresRest = true
    }
  }

  /// Whether `key` is there and not null. The key counts as asked for.
  public func has(_ key: String) -> Bool {
    note(key)
    return node[key].map { !$0.isNull } ?? false
  }

  /// The value of `key`; `nil` when it is missing or null.
  public func child(_ key: String) -> ConfigurationNode? {
    note(key)
    guard let value = node[key], !value.isNull else { return nil }
    return value
  }

  /// The value of `key`, or null after reporting that it is missing.
  public func requiredChild(_ key: String) -> ConfigurationNode {
    if let value = child(key) { return value }
    reportMissing(key)
    return ConfigurationNode(
      .null, location: node.location, path: ConfigurationNode.join(node.path, key))
  }

  /// A reader of the mapping at `key`, if there is one.
  public func mapping(_ key: String) -> MappingReader? {
    child(key).map { MappingReader($0, into: collector) }
  }

  /// The elements of the list at `key`; empty when it is missing.
  public func sequence(_ key: String) -> [ConfigurationNode] {
    guard let value = child(key) else { return [] }
    guard let elements = value.sequence else {
      collector.report(value, "expected a list; found \(value.kindInWords)")
      return []
    }
    return elements
  }

  /// The text at `key`; numbers are taken as they are written.
  public func string(_ key: String) -> String? {
    guard let value = child(key) else { return nil }
    return value.read(into: collector) { $0.text }
  }

  /// The texts of the list at `key`.
  public func strings(_ key: String) -> [String]? {
    guard has(key) else { return nil }
    return sequence(key).compactMap { $0.read(into: collector) { $0.text } }
  }

  /// The whole number at `key`, within `range`.
  public func int(_ key: String, in range: ClosedRange<Int> = Int.min...Int.max) -> Int? {
    guard let value = child(key) else { return nil }
    return value.read(into: collector) { $0.integer(in: range) }
  }

  /// The finite number at `key`, within `range`.
  public func double(
    _ key: String,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude
      ... .greatestFiniteMagnitude
  ) -> Double? {
    quantity(key, .count, in: range)
  }

  /// "true" or "false" at `key`.
  public func bool(_ key: String) -> Bool? {
    guard let value = child(key) else { return nil }
    return value.read(into: collector) { $0.bool }
  }

  /// The quantity at `key` in base units of `dimension`, within `range` of base units.
  public func quantity(
    _ key: String, _ dimension: Dimension,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude ... .greatestFiniteMagnitude
  ) -> Double? {
    guard let value = child(key) else { return nil }
    return value.read(into: collector) { $0.quantity(dimension, in: range) }
  }

  /// The amount of data at `key` [B].
  public func bytes(_ key: String, in range: ClosedRange<Int64> = 0...(1 << 60)) -> Int64? {
    quantity(key, .bytes, in: Double(range.lowerBound)...Double(range.upperBound))
      .map { Int64($0.rounded()) }
  }

  /// The number format at `key`.
  public func format(_ key: String) -> NumberFormat? {
    guard let value = child(key) else { return nil }
    return value.read(into: collector) { $0.numberFormat }
  }

  /// One of `choices` at `key`.
  public func choice(_ key: String, among choices: [String]) -> String? {
    guard let value = child(key) else { return nil }
    return value.read(into: collector) { $0.choice(among: choices) }
  }

  /// Counts `key` as asked for without reading it.
  public func ignore(_ key: String) { note(key) }

  /// Lets unknown keys pass, for files that others write.
  public func ignoreRest() { ignoresRest = true }

  /// Reports about the value of `key`, or about the mapping when it lacks the key.
  public func report(_ key: String, _ message: String) {
    let path = ConfigurationNode.join(node.path, key)
    let location = node[key]?.location ?? node.location
    collector.report(Diagnostic(location: location, path: path, message: message))
  }

  /// Reports that `key` is missing, with the unknown key that was probably meant for it.
  public func reportMissing(_ key: String) {
    note(key)
    guard node.mapping != nil else { return }  // reported already
    report(key, "is missing")
  }

  /// Reports every key that nobody asked for.
  public func finish() {
    guard !ignoresRest else { return }
    for entry in node.mapping ?? [] where !asked.contains(entry.key) {
      let free = asked.filter { node[$0] == nil }
      let hint = suggestion(for: entry.key, among: free + asked)
      let known =
        asked.isEmpty ? "no keys are known here" : "known keys: " + asked.joined(separator: ", ")
      collector.report(
        Diagnostic(
          location: entry.keyLocation, path: ConfigurationNode.join(node.path, entry.key),
          message: "unknown key '\(entry.key)'" + (hint.isEmpty ? "; " + known : hint)))
    }
  }

  private func note(_ key: String) {
    if !asked.contains(key) { asked.append(key) }
  }
}

extension MappingReader {
  /// The text at `key`; reports when it is missing.
  public func requiredString(_ key: String) -> String {
    required(key) { string(key) } ?? ""
  }

  /// The whole number at `key`; reports when it is missing.
  public func requiredInt(_ key: String, in range: ClosedRange<Int> = Int.min...Int.max) -> Int {
    required(key) { int(key, in: range) } ?? max(range.lowerBound, min(1, range.upperBound))
  }

  /// The number at `key`; reports when it is missing.
  public func requiredDouble(
    _ key: String,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude
      ... .greatestFiniteMagnitude
  ) -> Double {
    requiredQuantity(key, .count, in: range)
  }

  /// The quantity at `key` in base units; reports when it is missing.
  public func requiredQuantity(
    _ key: String, _ dimension: Dimension,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude ... .greatestFiniteMagnitude
  ) -> Double {
    required(key) { quantity(key, dimension, in: range) }
      ?? max(range.lowerBound, min(1, range.upperBound))
  }

  /// One of `choices` at `key`; reports when it is missing.
  /// - Precondition: `choices` is not empty.
  public func requiredChoice(_ key: String, among choices: [String]) -> String {
    required(key) { choice(key, among: choices) } ?? choices[0]
  }

  private func required<Value>(_ key: String, _ read: () -> Value?) -> Value? {
    guard has(key) else {
      reportMissing(key)
      return nil
    }
    return read()
  }
}
