// SPDX-License-Identifier: GPL-3.0-or-later

public import Foundation

extension ReportValue {
  /// Reads JSON (RFC 8259). The members of objects keep the order in which they were written.
  ///
  /// - Throws: A ``JSONSyntaxError`` where the data is no JSON.
  public init(json data: Data) throws(JSONSyntaxError) {
    self = try data.withJSONBytes { bytes throws(JSONSyntaxError) in try JSONReader.read(bytes) }
  }

  /// The value at the end of a path of keys of a JSON text, which is not read as a whole.
  ///
  /// - Parameters:
  ///   - path: The keys, from the outermost.
  ///   - text: JSON.
  /// - Returns: `nil` where there is no such value, or the text before it is no JSON.
  /// - Complexity: O(*n*) in the text before the value.
  public static func value(
    at path: some Sequence<some StringProtocol>, in text: String
  ) -> ReportValue? {
    var text = text
    return text.withUTF8 { try? JSONReader.value(at: path, $0) }
  }
}

extension Data {
  /// Has a reader look at the bytes.
  func withJSONBytes<Value>(
    _ body: (UnsafeBufferPointer<UInt8>) throws(JSONSyntaxError) -> Value
  ) throws(JSONSyntaxError) -> Value {
    let result: Result<Value, JSONSyntaxError> = withUnsafeBytes { raw in
      raw.withMemoryRebound(to: UInt8.self) { bytes in
        Result { () throws(JSONSyntaxError) in try body(bytes) }
      }
    }
    return try result.get()
  }
}
