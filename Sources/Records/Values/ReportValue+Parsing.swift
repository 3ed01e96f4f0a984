// SPDX-License-Identifier: GPL-3.0-or-later

public import Foundation

extension ReportValue {
  /// Reads JSON (RFC 8259). The members of objects keep the order in which they were written.
  ///
  /// - Throws: A ``JSONSyntaxError`` where the data is no JSON.
  public init(json data: Data) throws(JSONSyntaxError) {
    self = try Self.read(data)
  }

  private static func read(_ data: Data) throws(JSONSyntaxError) -> ReportValue {
    let result: Result<ReportValue, JSONSyntaxError> = data.withUnsafeBytes { raw in
      raw.withMemoryRebound(to: UInt8.self) { bytes in
        Result { () throws(JSONSyntaxError) in try JSONReader.read(bytes) }
      }
    }
    return try result.get()
  }
}
