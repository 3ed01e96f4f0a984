// SPDX-License-Identifier: GPL-3.0-or-later

/// Cuts the objects of the event list out of a trace's bytes.
struct TraceEventScanner {
  /// Whether the list of events, and the file with it, has been closed.
  var isComplete: Bool { depth == 0 && sawList }

  private var depth = 0
  private var isInString = false
  private var isEscaped = false
  private var sawList = false
  /// The depth within the list of events, 0 outside it.
  private var listDepth = 0
  private var text: [UInt8] = []
  private var event: [UInt8] = []

  /// The bytes of an event, when this byte is its last.
  mutating func consume(_ byte: UInt8) -> [UInt8]? {
    let isWithinEvent = listDepth > 0 && depth > listDepth
    if isWithinEvent { event.append(byte) }
    if isInString {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
      } else if depth == 1 {
        text.append(byte)
      }
      return nil
    }
    switch byte {
    case UInt8(ascii: "\""):
      isInString = true
      if depth == 1 { text.removeAll(keepingCapacity: true) }
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      depth += 1
      if byte == UInt8(ascii: "["), listDepth == 0,
        depth == 1 || depth == 2 && text == Array("traceEvents".utf8)
      {
        listDepth = depth
        sawList = true
      } else if listDepth > 0, depth == listDepth + 1 {
        event.append(byte)
      }
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      depth -= 1
      if listDepth > 0, depth == listDepth {
        defer { event.removeAll(keepingCapacity: true) }
        return event
      }
      if depth < listDepth { listDepth = 0 }
    default: break
    }
    return nil
  }
}

/// The fields of one event, each with the text of its value: that of a string without its quotes,
/// anything else as it stands.
struct TraceEventFields {
  private(set) var fields: [(key: String, value: String)] = []

  /// The fields of a JSON object, or `nil` where the bytes are none.
  ///
  /// Far quicker than decoding the event, most of whose values nobody asks for.
  init?(_ bytes: [UInt8]) {
    var position = 0
    func skipSpace() {
      while position < bytes.count, bytes[position] <= 0x20 { position += 1 }
    }
    func take(_ sign: Unicode.Scalar) -> Bool {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: sign) else { return false }
      position += 1
      return true
    }
    guard take("{") else { return nil }
    if take("}") { return }
    repeat {
      skipSpace()
      guard let key = Self.value(in: bytes, at: &position), take(":") else { return nil }
      skipSpace()
      guard let value = Self.value(in: bytes, at: &position) else { return nil }
      fields.append((key, value))
    } while take(",")
    guard take("}") else { return nil }
  }

  /// The value of a field.
  subscript(key: String) -> String? {
    fields.first { $0.key == key }?.value
  }

  /// The text of the value that begins here, after which the position then stands.
  private static func value(in bytes: [UInt8], at position: inout Int) -> String? {
    let start = position
    var depth = 0
    var isInString = false
    while position < bytes.count {
      let byte = bytes[position]
      if isInString {
        if byte == UInt8(ascii: "\\") { position += 1 }
        if byte == UInt8(ascii: "\"") {
          isInString = false
          if depth == 0 {
            position += 1
            return String(decoding: bytes[(start + 1)..<(position - 1)], as: UTF8.self)
          }
        }
      } else {
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "}"), UInt8(ascii: "]"), 0...0x20:
          if depth == 0 {
            return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
          }
          if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
            depth -= 1
            if depth == 0 {
              position += 1
              return String(decoding: bytes[start..<position], as: UTF8.self)
            }
          }
        default: break
        }
      }
      position += 1
    }
    return nil
  }
}
