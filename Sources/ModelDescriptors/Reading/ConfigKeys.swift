// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// The keys of one mapping of a `config.json`, read with what each should be.
///
/// Architectures name the same thing differently, so every read takes all names in use. A value
/// `null` counts as absent, as in the Hugging Face libraries. Keys that a descriptor does not need
/// are ignored; a key that it needs and does not find names itself, and the closest key that the
/// file has instead. Errors collect; a value stands in so that reading goes on.
struct ConfigKeys {
  let node: ConfigurationNode
  let collector: DiagnosticCollector
  private let entries: [String: ConfigurationNode]

  /// Reads `node`, which should be a mapping.
  init(_ node: ConfigurationNode, into collector: DiagnosticCollector) {
    self.node = node
    self.collector = collector
    var entries: [String: ConfigurationNode] = [:]
    if let mapping = node.mapping {
      for entry in mapping where !entry.value.isNull { entries[entry.key] = entry.value }
    } else {
      collector.report(
        Diagnostic(
          location: node.location, path: node.path,
          message: "a mapping of keys is expected, as in a Hugging Face config.json"))
    }
    self.entries = entries
  }

  /// The value under the first of `keys` that is there.
  func node(_ keys: [String]) -> ConfigurationNode? {
    for key in keys {
      if let value = entries[key] { return value }
    }
    return nil
  }

  /// Whether any of `keys` is there.
  func has(_ keys: String...) -> Bool { node(keys) != nil }

  /// The keys of the mapping under one of `keys`, or `nil`.
  func child(_ keys: String...) -> ConfigKeys? {
    node(keys).map { ConfigKeys($0, into: collector) }
  }

  /// The keys of the mapping under `key`, which must be there.
  func requiredChild(_ key: String) -> ConfigKeys? {
    guard let value = node([key]) else {
      missing([key], "a mapping")
      return nil
    }
    return ConfigKeys(value, into: collector)
  }

  /// A whole number in `range`, or `nil` when absent.
  func int(_ keys: String..., in range: ClosedRange<Int>) -> Int? { optionalInt(keys, range) }

  /// A whole number that must be there.
  func requiredInt(_ keys: String..., in range: ClosedRange<Int>) -> Int {
    if let value = optionalInt(keys, range) { return value }
    if node(keys) == nil { missing(keys, Self.describe(range)) }
    return range.lowerBound
  }

  private func optionalInt(_ keys: [String], _ range: ClosedRange<Int>) -> Int? {
    guard let value = node(keys) else { return nil }
    if let text = value.scalar, let number = Self.wholeNumber(text), range.contains(number) {
      return number
    }
    wrong(value, Self.describe(range))
    return nil
  }

  /// A truth value; `standard` when absent.
  func bool(_ keys: String..., standard: Bool) -> Bool {
    guard let value = node(keys) else { return standard }
    switch value.scalar?.lowercased() {
    case "true": return true
    case "false": return false
    default:
      wrong(value, "true or false")
      return standard
    }
  }

  /// A text, or `nil` when absent.
  func string(_ keys: String...) -> String? {
    guard let value = node(keys) else { return nil }
    if let text = value.scalar { return text }
    wrong(value, "a text")
    return nil
  }

  /// Texts in a sequence, or `nil` when absent.
  func strings(_ keys: String...) -> [String]? {
    guard let value = node(keys) else { return nil }
    guard let items = value.sequence else {
      wrong(value, "a list of texts")
      return nil
    }
    return items.map { item in
      if let text = item.scalar { return text }
      wrong(item, "a text")
      return ""
    }
  }

  /// Whole numbers in a sequence, or `nil` when absent.
  func ints(_ keys: String..., in range: ClosedRange<Int>) -> [Int]? {
    guard let value = node(keys) else { return nil }
    guard let items = value.sequence else {
      wrong(value, "a list of whole numbers")
      return nil
    }
    return items.map { item in
      if let text = item.scalar, let number = Self.wholeNumber(text), range.contains(number) {
        return number
      }
      wrong(item, Self.describe(range))
      return range.lowerBound
    }
  }

  /// One text per layer, each among `known`; `nil` when absent or wrong.
  func layerKinds(_ keys: String..., count: Int, among known: [String]) -> [String]? {
    guard let value = node(keys) else { return nil }
    guard let items = value.sequence else {
      wrong(value, "a list with one of \(known.joined(separator: ", ")) per layer")
      return nil
    }
    guard items.count >= count else {
      wrong(value, "a list of \(count) entries, one per layer; it has \(items.count)")
      return nil
    }
    for item in items.prefix(count) where !known.contains(item.scalar ?? "") {
      wrong(item, "one of \(known.joined(separator: ", "))")
      return nil
    }
    return items.prefix(count).map { $0.scalar ?? "" }
  }

  /// Reports that a needed key is absent, with the closest key that is there instead.
  func missing(_ keys: [String], _ expected: String) {
    let others = keys.dropFirst().map { "'\($0)'" }.joined(separator: ", ")
    var message = "'\(keys[0])' is missing: \(expected)"
    if !others.isEmpty { message += " (also read as \(others))" }
    let present = entries.keys.sorted()
    if let close = closestMatch(to: keys[0], among: present) {
      message += "; did the file mean '\(keys[0])' by '\(close)'?"
    }
    collector.report(Diagnostic(location: node.location, path: node.path, message: message))
  }

  /// Reports a value that is not what it should be.
  func wrong(_ value: ConfigurationNode, _ expected: String) {
    let found =
      value.scalar.map { "'\($0.prefix(60))'" }
      ?? (value.sequence != nil ? "a list" : "a mapping")
    collector.report(
      Diagnostic(
        location: value.location, path: value.path,
        message: "\(found) was found; expected is \(expected)"))
  }

  private static func describe(_ range: ClosedRange<Int>) -> String {
    "a whole number from \(range.lowerBound) to \(range.upperBound)"
  }

  /// Reads "4096", and "4096.0", which some exporters write.
  private static func wholeNumber(_ text: String) -> Int? {
    if let number = Int(text) { return number }
    guard let number = Double(text), number.isFinite, number == number.rounded(),
      abs(number) < 9e15
    else { return nil }
    return Int(number)
  }
}

/// What a dimension of a model may be: far beyond any model, and small enough that no product of
/// them overflows.
enum Limits {
  static let width = 1...1_048_576
  static let optionalWidth = 0...1_048_576
  static let layers = 1...4_096
  static let optionalLayers = 0...4_096
  static let heads = 1...16_384
  static let experts = 1...65_536
  static let optionalExperts = 0...65_536
  static let vocabulary = 1...67_108_864
  static let positions = 0...1_000_000_000
}
