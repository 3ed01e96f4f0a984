// SPDX-License-Identifier: GPL-3.0-or-later

/// Makes up a value of any decodable record, so that its keys can be listed.
///
/// Every number is 1, every optional is there, every array has one element and every dictionary one
/// key. Texts that name something are placeholders, "<resource>".
struct SampleDecoder: Decoder {
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(KeyedSampleContainer<Key>(codingPath: codingPath))
  }

  func unkeyedContainer() -> any UnkeyedDecodingContainer {
    UnkeyedSampleContainer(codingPath: codingPath)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer {
    SingleSampleContainer(codingPath: codingPath)
  }

  /// What stands for a name at this place.
  static func placeholder(at path: [any CodingKey]) -> String {
    let names = path.filter { $0.intValue == nil }.map(\.stringValue)
    let containers = [
      "utilization": "resource", "resources": "resource", "memory": "memory", "tiers": "tier",
      "parts": "part", "timeMsPerToken": "part", "laws": "law", "figures": "figure",
      "devices": "gpu", "replicas": "replica", "gpus": "gpu", "items": "item",
      "gateShares": "format", "busy": "resource", "levels": "level", "rates": "rate",
    ]
    switch names.last {
    case "link": return "<link>"
    case "purpose": return "<purpose>"
    case "resource": return "<resource>"
    case "name": return "<\(names.dropLast().last.flatMap { containers[$0] } ?? "name")>"
    case let last?: return containers[last].map { "<\($0)>" } ?? "<name>"
    case nil: return "<name>"
    }
  }

  fileprivate static func value<T: Decodable>(_ type: T.Type, at path: [any CodingKey]) throws -> T
  {
    try T(from: SampleDecoder(codingPath: path))
  }
}

/// A key of a dictionary or an array's index.
private struct SampleKey: CodingKey {
  var stringValue: String
  var intValue: Int?
  init(stringValue: String) { self.stringValue = stringValue }
  init(intValue: Int) {
    stringValue = String(intValue)
    self.intValue = intValue
  }
}

private struct KeyedSampleContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let codingPath: [any CodingKey]
  var allKeys: [Key] {
    Key(stringValue: SampleDecoder.placeholder(at: codingPath)).map { [$0] } ?? []
  }
  func contains(_ key: Key) -> Bool { true }
  func decodeNil(forKey key: Key) -> Bool { false }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    try SampleDecoder.value(type, at: codingPath + [key])
  }
  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) -> KeyedDecodingContainer<NestedKey> {
    SampleDecoder(codingPath: codingPath + [key]).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedDecodingContainer {
    SampleDecoder(codingPath: codingPath + [key]).unkeyedContainer()
  }
  func superDecoder() -> any Decoder { SampleDecoder(codingPath: codingPath) }
  func superDecoder(forKey key: Key) -> any Decoder {
    SampleDecoder(codingPath: codingPath + [key])
  }
}

private struct UnkeyedSampleContainer: UnkeyedDecodingContainer {
  let codingPath: [any CodingKey]
  var currentIndex = 0
  var count: Int? { 1 }
  var isAtEnd: Bool { currentIndex == 1 }
  private var elementPath: [any CodingKey] { codingPath + [SampleKey(intValue: 0)] }

  init(codingPath: [any CodingKey]) { self.codingPath = codingPath }

  mutating func decodeNil() -> Bool { false }
  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    currentIndex += 1
    return try SampleDecoder.value(type, at: elementPath)
  }
  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type
  ) -> KeyedDecodingContainer<NestedKey> {
    currentIndex += 1
    return SampleDecoder(codingPath: elementPath).container(keyedBy: type)
  }
  mutating func nestedUnkeyedContainer() -> any UnkeyedDecodingContainer {
    currentIndex += 1
    return SampleDecoder(codingPath: elementPath).unkeyedContainer()
  }
  mutating func superDecoder() -> any Decoder { SampleDecoder(codingPath: codingPath) }
}

private struct SingleSampleContainer: SingleValueDecodingContainer {
  let codingPath: [any CodingKey]
  func decodeNil() -> Bool { false }
  func decode(_ type: Bool.Type) -> Bool { true }
  func decode(_ type: String.Type) -> String { SampleDecoder.placeholder(at: codingPath) }
  func decode(_ type: Double.Type) -> Double { 1 }
  func decode(_ type: Float.Type) -> Float { 1 }
  func decode(_ type: Int.Type) -> Int { sampleIndex }
  func decode(_ type: Int8.Type) -> Int8 { 1 }
  func decode(_ type: Int16.Type) -> Int16 { 1 }
  func decode(_ type: Int32.Type) -> Int32 { 1 }
  func decode(_ type: Int64.Type) -> Int64 { 1 }
  func decode(_ type: UInt.Type) -> UInt { 1 }
  func decode(_ type: UInt8.Type) -> UInt8 { 1 }
  func decode(_ type: UInt16.Type) -> UInt16 { 1 }
  func decode(_ type: UInt32.Type) -> UInt32 { 1 }
  func decode(_ type: UInt64.Type) -> UInt64 { 1 }
  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    try SampleDecoder.value(type, at: codingPath)
  }

  /// A layer's index is 0, which ``ReportSchema/patterns`` turns into its placeholder.
  private var sampleIndex: Int { codingPath.last?.stringValue == "layer" ? 0 : 1 }
}
