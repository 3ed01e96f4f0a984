// SPDX-License-Identifier: GPL-3.0-or-later

/// A value read from a YAML or JSON file, which knows where it stands.
///
/// Mappings keep the order of the file. Override one tree by another with `merging(_:)`, or one
/// value with `setting(_:to:origin:)`; each leaf keeps the place from which it came.
public struct ConfigurationNode: Sendable {
  /// One key and its value.
  public struct Entry: Sendable {
    /// The key.
    public var key: String
    /// Where the key stands.
    public var keyLocation: SourceLocation
    /// The value.
    public var value: ConfigurationNode

    /// Creates an entry.
    public init(key: String, keyLocation: SourceLocation, value: ConfigurationNode) {
      self.key = key
      self.keyLocation = keyLocation
      self.value = value
    }
  }

  /// What a node holds.
  public enum Content: Sendable {
    /// Nothing: an empty value, "null" or "~".
    case null
    /// A text, number or truth value as it is written; `quoted` when quotes make it a text.
    case scalar(String, quoted: Bool)
    /// A list.
    case sequence([ConfigurationNode])
    /// Keys and values in the order of the file, each key once.
    case mapping([Entry])
  }

  /// What the node holds.
  public var content: Content
  /// Where the node stands.
  public var location: SourceLocation
  /// The key path from the root: "policy.eviction", "gpus[0].count"; empty at the root.
  public var path: String

  /// Creates a node.
  public init(_ content: Content, location: SourceLocation, path: String = "") {
    self.content = content
    self.location = location
    self.path = path
  }

  /// A text that stands in no file.
  public init(text: String, origin: String, path: String = "") {
    self.init(.scalar(text, quoted: true), location: SourceLocation(origin: origin), path: path)
  }

  /// The entries, when the node is a mapping.
  public var mapping: [Entry]? {
    if case .mapping(let entries) = content { entries } else { nil }
  }

  /// The elements, when the node is a list.
  public var sequence: [ConfigurationNode]? {
    if case .sequence(let elements) = content { elements } else { nil }
  }

  /// The text as it is written, when the node is a scalar.
  public var scalar: String? {
    if case .scalar(let text, _) = content { text } else { nil }
  }

  /// Whether the node is empty or "null".
  public var isNull: Bool {
    if case .null = content { true } else { false }
  }

  /// The value of `key`, when the node is a mapping that has it.
  public subscript(key: String) -> ConfigurationNode? {
    mapping?.first { $0.key == key }?.value
  }

  /// The value at a dotted path such as "policy.eviction" or "gpus.0.count".
  public func value(at dottedPath: String) -> ConfigurationNode? {
    var node: ConfigurationNode? = self
    for part in dottedPath.split(separator: ".") {
      if let elements = node?.sequence {
        guard let index = Int(part), elements.indices.contains(index) else { return nil }
        node = elements[index]
      } else {
        node = node?[String(part)]
      }
    }
    return node
  }

  /// The kind of the node in words: "a list".
  public var kindInWords: String {
    switch content {
    case .null: "nothing"
    case .scalar(let text, let quoted):
      (quoted ? "the text '" : "'") + (text.count > 40 ? text.prefix(37) + "..." : text) + "'"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }

  /// The same node at another path, with the paths of all that it holds.
  public func moved(to path: String) -> ConfigurationNode {
    var result = self
    result.path = path
    switch content {
    case .null, .scalar: break
    case .sequence(let elements):
      result.content = .sequence(
        elements.enumerated().map { $0.element.moved(to: "\(path)[\($0.offset)]") })
    case .mapping(let entries):
      result.content = .mapping(
        entries.map { entry in
          var entry = entry
          entry.value = entry.value.moved(to: Self.join(path, entry.key))
          return entry
        })
    }
    return result
  }

  /// The path of `key` below `path`.
  static func join(_ path: String, _ key: String) -> String {
    path.isEmpty ? key : path + "." + key
  }
}
