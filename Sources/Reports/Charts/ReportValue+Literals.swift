// SPDX-License-Identifier: GPL-3.0-or-later

public import Records

// Chart specifications are trees that are mostly constant; as literals they read as the JSON that
// they become.

extension ReportValue: ExpressibleByDictionaryLiteral {
  /// An object with these members, in this order.
  public init(dictionaryLiteral elements: (String, ReportValue)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
}

extension ReportValue: ExpressibleByArrayLiteral {
  /// A list of these values.
  public init(arrayLiteral elements: ReportValue...) { self = .list(elements) }
}

extension ReportValue: ExpressibleByStringLiteral {
  /// A text.
  public init(stringLiteral value: String) { self = .text(value) }
}

extension ReportValue: ExpressibleByIntegerLiteral {
  /// An integer.
  public init(integerLiteral value: Int64) { self = .integer(value) }
}

extension ReportValue: ExpressibleByFloatLiteral {
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
}

extension ReportValue: ExpressibleByBooleanLiteral {
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension ReportValue: ExpressibleByNilLiteral {
  /// No value.
  public init(nilLiteral: ()) { self = .null }
}

extension ReportValue {
  /// The value at a dotted path of keys, `nil` where there is none or it is null.
  func at(_ path: String) -> ReportValue? {
    // Names such as "gpu0.h2d" have dots of their own, and are never asked for this way.
    var value = self
    for key in path.split(separator: ".") {
      guard let next = value[String(key)] else { return nil }
      value = next
    }
    return value == .null ? nil : value
  }

  /// The number at a dotted path.
  func number(_ path: String) -> Double? { at(path)?.numericValue }

  /// The text at a dotted path.
  func text(_ path: String) -> String? {
    guard case .text(let text)? = at(path) else { return nil }
    return text
  }

  /// The truth value at a dotted path.
  func flag(_ path: String) -> Bool? {
    guard case .bool(let value)? = at(path) else { return nil }
    return value
  }

  /// The elements of the list at a dotted path; none where there is no list.
  func list(_ path: String) -> [ReportValue] {
    guard case .list(let items)? = at(path) else { return [] }
    return items
  }

  /// The members of the object at a dotted path, by key; none where there is no object.
  func members(_ path: String) -> [Member] {
    guard case .object(let members)? = at(path) else { return [] }
    return members.sorted { $0.key < $1.key }
  }

  /// The elements of this list; none where it is no list.
  var elements: [ReportValue] {
    guard case .list(let items) = self else { return [] }
    return items
  }

  /// The number, or null where there is none.
  static func optional(_ value: Double?) -> ReportValue { value.map { .number($0) } ?? .null }

  /// The text, or null where there is none.
  static func optional(_ value: String?) -> ReportValue { value.map { .text($0) } ?? .null }

  /// A list of texts.
  static func texts(_ values: some Sequence<String>) -> ReportValue {
    .list(values.map { .text($0) })
  }
}
