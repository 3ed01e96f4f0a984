// SPDX-License-Identifier: GPL-3.0-or-later

public import Foundation

/// The members of a JSON object, each with the text that it was written in.
///
/// A value is read when it is asked for; that all is JSON is checked at once, but for the encoding of texts.
public struct JSONMembers: Sendable {
  private let members: [(key: String, text: Range<Int>)]
  private let data: Data

  /// Reads an object.
  ///
  /// - Throws: A ``JSONSyntaxError`` where the data is no JSON object.
  public init(of data: Data) throws(JSONSyntaxError) {
    members = try data.withJSONBytes { bytes throws(JSONSyntaxError) in
      try JSONReader.readMembers(bytes)
    }
    self.data = data
  }

  /// The value of a key; `nil` where there is none, or what stands there is no JSON.
  public subscript(key: String) -> ReportValue? {
    bytes(of: key).flatMap { try? ReportValue(json: $0) }
  }

  /// The text of a key's value; `nil` where there is none, or it is no UTF-8.
  public func text(of key: String) -> String? {
    bytes(of: key).flatMap { String(validating: $0, as: UTF8.self) }
  }

  private func bytes(of key: String) -> Data? {
    members.first { $0.key == key }.map { member in
      let start = data.startIndex
      return data[start + member.text.lowerBound..<start + member.text.upperBound]
    }
  }
}
