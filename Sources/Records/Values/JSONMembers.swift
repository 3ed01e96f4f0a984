// SPDX-License-Identifier: GPL-3.0-or-later

public import Foundation

/// The members of a JSON object, each with the text that it was read from.
public struct JSONMembers: Sendable {
  private let members: [(member: ReportValue.Member, text: Range<Int>)]
  private let data: Data

  /// Reads an object.
  ///
  /// - Throws: A ``JSONSyntaxError`` where the data is no JSON object.
  public init(of data: Data) throws(JSONSyntaxError) {
    let result: Result<[(ReportValue.Member, Range<Int>)], JSONSyntaxError> =
      data.withUnsafeBytes { raw in
        raw.withMemoryRebound(to: UInt8.self) { bytes in
          Result { () throws(JSONSyntaxError) in try JSONReader.readMembers(bytes) }
        }
      }
    members = try result.get()
    self.data = data
  }

  /// The value of a key; `nil` where there is none.
  public subscript(key: String) -> ReportValue? {
    members.first { $0.member.key == key }?.member.value
  }

  /// The text of a key's value; `nil` where there is none.
  public func text(of key: String) -> String? {
    guard let range = members.first(where: { $0.member.key == key })?.text else { return nil }
    let start = data.startIndex
    return String(
      decoding: data[start + range.lowerBound..<start + range.upperBound], as: UTF8.self)
  }
}
