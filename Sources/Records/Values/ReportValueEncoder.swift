// SPDX-License-Identifier: GPL-3.0-or-later

extension ReportValue {
  /// The tree of an encodable value, with keys in snake case, `nil` as null and integers exact.
  ///
  /// Keys of dictionaries are data and stay as they are. Throws what the value's own `encode(to:)`
  /// throws.
  public init(encoding value: some Encodable) throws {
    self = try TreeNode.encoding(value, path: []).value
  }
}

/// A place in the tree that is being encoded.
private final class TreeNode {
  enum Content {
    case leaf(ReportValue)
    case list([TreeNode])
    case object([(key: String, node: TreeNode)])
  }

  var content = Content.leaf(.null)
  /// Whether the node holds a dictionary, whose keys are sorted and kept as they are.
  let isDictionary: Bool

  init(isDictionary: Bool = false) {
    self.isDictionary = isDictionary
  }

  static func encoding(_ value: some Encodable, path: [any CodingKey]) throws -> TreeNode {
    let node = TreeNode(isDictionary: value is any StringKeyedDictionary)
    try value.encode(to: TreeEncoder(node: node, codingPath: path))
    return node
  }

  static func leaf(_ value: ReportValue) -> TreeNode {
    let node = TreeNode()
    node.content = .leaf(value)
    return node
  }

  func append(_ child: TreeNode) {
    if case .list(var nodes) = content {
      content = .leaf(.null)
      nodes.append(child)
      content = .list(nodes)
    } else {
      content = .list([child])
    }
  }

  func append(_ child: TreeNode, for key: String) {
    let name = isDictionary ? key : snakeCased(key)
    if case .object(var members) = content {
      content = .leaf(.null)
      members.append((name, child))
      content = .object(members)
    } else {
      content = .object([(name, child)])
    }
  }

  var value: ReportValue {
    switch content {
    case .leaf(let value):
      return value
    case .list(let nodes):
      return .list(nodes.map(\.value))
    case .object(let members):
      let ordered = isDictionary ? members.sorted { $0.key < $1.key } : members
      return .object(ordered.map { .init($0.key, $0.node.value) })
    }
  }
}

/// What tells a dictionary with text keys from a structure.
private protocol StringKeyedDictionary {}
extension Dictionary: StringKeyedDictionary where Key == String {}

/// Turns "usdPerHour" into "usd_per_hour"; digits stay with the letters before them.
package func snakeCased(_ key: String) -> String {
  var result = ""
  var previousIsLower = false
  for character in key {
    if character.isUppercase, previousIsLower { result.append("_") }
    previousIsLower = character.isLowercase || character.isNumber
    result += character.lowercased()
  }
  return result
}

private struct TreeEncoder: Encoder {
  let node: TreeNode
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    if case .leaf = node.content { node.content = .object([]) }
    return KeyedEncodingContainer(KeyedTreeContainer<Key>(node: node, codingPath: codingPath))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    if case .leaf = node.content { node.content = .list([]) }
    return UnkeyedTreeContainer(node: node, codingPath: codingPath)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    SingleTreeContainer(node: node, codingPath: codingPath)
  }
}

private struct KeyedTreeContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let node: TreeNode
  let codingPath: [any CodingKey]

  mutating func encodeNil(forKey key: Key) {
    node.append(.leaf(.null), for: key.stringValue)
  }

  mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    node.append(try .encoding(value, path: codingPath + [key]), for: key.stringValue)
  }

  private func encodeOptional<T: Encodable>(_ value: T?, forKey key: Key) throws {
    let child =
      try value.map { try TreeNode.encoding($0, path: codingPath + [key]) } ?? .leaf(.null)
    node.append(child, for: key.stringValue)
  }

  // A key without a value is there, as null: readers see that it exists and was not measured.
  mutating func encodeIfPresent(_ value: Bool?, forKey key: Key) throws {
    try encodeOptional(value, forKey: key)
  }
  mutating func encodeIfPresent(_ value: String?, forKey key: Key) throws {
    try encodeOptional(value, forKey: key)
  }
  mutating func encodeIfPresent(_ value: Double?, forKey key: Key) throws {
    try encodeOptional(value, forKey: key)
  }
  mutating func encodeIfPresent(_ value: Float?, forKey key: Key) throws {
    try encodeOptional(value, forKey: key)
  }
  mutating func encodeIfPresent(_ value: Int?, forKey key: Key) throws {
    try encodeOptional(value, forKey: key)
  }
  mutating func encodeIfPresent(_ value: Int32?, forKey key: Key) throws {
    try encodeOptional(value, forKey: key)
  }
  mutating func encodeIfPresent(_ value: Int64?, forKey key: Key) throws {
    try encodeOptional(value, forKey: key)
  }
  mutating func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws {
    try encodeOptional(value, forKey: key)
  }
  mutating func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws {
    try encodeOptional(value, forKey: key)
  }
  mutating func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
    try encodeOptional(value, forKey: key)
  }

  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy keyType: NestedKey.Type, forKey key: Key
  ) -> KeyedEncodingContainer<NestedKey> {
    let child = TreeNode()
    node.append(child, for: key.stringValue)
    return TreeEncoder(node: child, codingPath: codingPath + [key]).container(keyedBy: keyType)
  }

  mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    let child = TreeNode()
    node.append(child, for: key.stringValue)
    return TreeEncoder(node: child, codingPath: codingPath + [key]).unkeyedContainer()
  }

  mutating func superEncoder() -> any Encoder {
    let child = TreeNode()
    node.append(child, for: "super")
    return TreeEncoder(node: child, codingPath: codingPath)
  }

  mutating func superEncoder(forKey key: Key) -> any Encoder {
    let child = TreeNode()
    node.append(child, for: key.stringValue)
    return TreeEncoder(node: child, codingPath: codingPath + [key])
  }
}

private struct UnkeyedTreeContainer: UnkeyedEncodingContainer {
  let node: TreeNode
  let codingPath: [any CodingKey]

  var count: Int {
    if case .list(let nodes) = node.content { nodes.count } else { 0 }
  }

  mutating func encodeNil() {
    node.append(.leaf(.null))
  }

  mutating func encode<T: Encodable>(_ value: T) throws {
    node.append(try .encoding(value, path: codingPath))
  }

  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy keyType: NestedKey.Type
  ) -> KeyedEncodingContainer<NestedKey> {
    let child = TreeNode()
    node.append(child)
    return TreeEncoder(node: child, codingPath: codingPath).container(keyedBy: keyType)
  }

  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    let child = TreeNode()
    node.append(child)
    return TreeEncoder(node: child, codingPath: codingPath).unkeyedContainer()
  }

  mutating func superEncoder() -> any Encoder {
    let child = TreeNode()
    node.append(child)
    return TreeEncoder(node: child, codingPath: codingPath)
  }
}

private struct SingleTreeContainer: SingleValueEncodingContainer {
  let node: TreeNode
  let codingPath: [any CodingKey]

  private func set(_ value: ReportValue) { node.content = .leaf(value) }

  mutating func encodeNil() { set(.null) }
  mutating func encode(_ value: Bool) { set(.bool(value)) }
  mutating func encode(_ value: String) { set(.text(value)) }
  mutating func encode(_ value: Double) { set(.number(value)) }
  mutating func encode(_ value: Float) { set(.number(Double(value))) }
  mutating func encode(_ value: Int) { set(.integer(Int64(value))) }
  mutating func encode(_ value: Int8) { set(.integer(Int64(value))) }
  mutating func encode(_ value: Int16) { set(.integer(Int64(value))) }
  mutating func encode(_ value: Int32) { set(.integer(Int64(value))) }
  mutating func encode(_ value: Int64) { set(.integer(value)) }
  mutating func encode(_ value: UInt) { encode(UInt64(value)) }
  mutating func encode(_ value: UInt8) { set(.integer(Int64(value))) }
  mutating func encode(_ value: UInt16) { set(.integer(Int64(value))) }
  mutating func encode(_ value: UInt32) { set(.integer(Int64(value))) }
  mutating func encode(_ value: UInt64) {
    set(Int64(exactly: value).map(ReportValue.integer) ?? .unsigned(value))
  }
  mutating func encode<T: Encodable>(_ value: T) throws {
    let child = try TreeNode.encoding(value, path: codingPath)
    node.content = .leaf(child.value)
  }
}
