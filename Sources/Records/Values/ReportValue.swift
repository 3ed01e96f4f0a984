// SPDX-License-Identifier: GPL-3.0-or-later

/// A tree of values, as every output format sees a result.
///
/// Members of an object stand in the order of declaration; members that come from a dictionary are
/// sorted by key, so that no output depends on hash order.
public indirect enum ReportValue: Sendable, Equatable {
  /// No value.
  case null
  /// A truth value.
  case bool(Bool)
  /// An integer.
  case integer(Int64)
  /// An integer beyond the range of `Int64`.
  case unsigned(UInt64)
  /// A number, finite or not; ``rounded(decimals:)`` removes what isn't finite.
  case number(Double)
  /// Text.
  case text(String)
  /// An array.
  case list([ReportValue])
  /// An object.
  case object([Member])

  /// One key of an object with its value.
  public struct Member: Sendable, Equatable {
    /// The key.
    public var key: String
    /// The value.
    public var value: ReportValue
    /// A member of that key and value.
    public init(_ key: String, _ value: ReportValue) {
      self.key = key
      self.value = value
    }
  }

  /// The value of an object's key, or `nil` where this is no object or lacks the key.
  ///
  /// - Complexity: O(*n*) in the members of the object.
  public subscript(key: String) -> ReportValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// The value as a number: truth values are 1 and 0; `nil` for text, null and containers.
  public var numericValue: Double? {
    switch self {
    case .bool(let value): value ? 1 : 0
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    case .number(let value): value
    case .null, .text, .list, .object: nil
    }
  }

  /// Removes a key of an object; does nothing elsewhere.
  package mutating func remove(_ key: String) {
    guard case .object(let members) = self else { return }
    self = .object(members.filter { $0.key != key })
  }

  /// Sets a key of an object, in place if it's there and last if not; does nothing elsewhere.
  package mutating func set(_ key: String, to value: ReportValue) {
    guard case .object(var members) = self else { return }
    if let index = members.firstIndex(where: { $0.key == key }) {
      members[index].value = value
    } else {
      members.append(Member(key, value))
    }
    self = .object(members)
  }
}
