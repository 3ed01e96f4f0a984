// SPDX-License-Identifier: GPL-3.0-or-later

public import Foundation

extension ReportValue {
  /// Reads JSON (RFC 8259). The members of objects are sorted by key.
  ///
  /// - Throws: What `JSONSerialization` says of text that is no JSON.
  public init(json data: Data) throws {
    self = Self.value(try JSONSerialization.jsonObject(with: data, options: [.fragmentsAllowed]))
  }

  private static func value(_ object: Any) -> ReportValue {
    switch object {
    case let members as [String: Any]:
      return .object(
        members.sorted { $0.key < $1.key }.map { Member($0.key, value($0.value)) })
    case let items as [Any]: return .list(items.map(value))
    case let text as String: return .text(text)
    case let number as NSNumber: return value(of: number)
    default: return .null
    }
  }

  private static func value(of number: NSNumber) -> ReportValue {
    switch String(cString: number.objCType) {
    case "c", "B": return .bool(number.boolValue)
    case "d", "f": return .number(number.doubleValue)
    case "Q":
      return number.uint64Value > UInt64(Int64.max)
        ? .unsigned(number.uint64Value) : .integer(number.int64Value)
    default: return .integer(number.int64Value)
    }
  }
}
