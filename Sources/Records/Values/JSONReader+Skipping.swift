// SPDX-License-Identifier: GPL-3.0-or-later

/// Looking for parts of a text without building the rest: sweeps read a few figures of many results.
extension JSONReader {
  /// The keys of a text that holds one object, each with the bytes of its value.
  static func readMembers(
    _ bytes: UnsafeBufferPointer<UInt8>
  ) throws(JSONSyntaxError) -> [(key: String, text: Range<Int>)] {
    var reader = JSONReader(bytes)
    var members: [(key: String, text: Range<Int>)] = []
    reader.skipSpace()
    guard reader.next == UInt8(ascii: "{") else { throw reader.error("an object was expected") }
    if try reader.entersAny(until: UInt8(ascii: "}")) {
      repeat {
        let key = try reader.key()
        let start = reader.place
        try reader.skipValue()
        members.append((key, start..<reader.place))
      } while try !reader.leaves(at: UInt8(ascii: "}"))
    }
    reader.skipSpace()
    guard reader.place == bytes.count else { throw reader.error("the end was expected") }
    return members
  }

  /// The value at the end of a path of keys, from the outermost; `nil` where a key is missing or stands
  /// for no object. What follows the value is not looked at.
  static func value(
    at path: some Sequence<some StringProtocol>, _ bytes: UnsafeBufferPointer<UInt8>
  ) throws(JSONSyntaxError) -> ReportValue? {
    var reader = JSONReader(bytes)
    reader.skipSpace()
    for key in path where try !reader.descend(to: Array(key.utf8)) { return nil }
    return try reader.value()
  }

  /// Goes to the value of a key of the object that begins here.
  ///
  /// - Returns: whether there is one.
  private mutating func descend(to wanted: [UInt8]) throws(JSONSyntaxError) -> Bool {
    guard next == UInt8(ascii: "{"), try entersAny(until: UInt8(ascii: "}")) else { return false }
    repeat {
      if try takesKey(wanted) { return true }
      try skipValue()
    } while try !leaves(at: UInt8(ascii: "}"))
    return false
  }

  /// Passes over a key.
  ///
  /// - Returns: whether it is the wanted one.
  private mutating func takesKey(_ wanted: [UInt8]) throws(JSONSyntaxError) -> Bool {
    let start = place
    try skipKey()
    let end = start + 1 + wanted.count
    // A key that is written with escapes is read; few are.
    if bytes[start..<place].contains(UInt8(ascii: "\\")) {
      var again = self
      again.place = start
      return try Array(again.key().utf8) == wanted
    }
    return end < place && bytes[end] == UInt8(ascii: "\"")
      && bytes[start + 1..<end].elementsEqual(wanted)
  }

  /// Passes over a value, whose grammar is checked and whose texts' encoding is not.
  private mutating func skipValue() throws(JSONSyntaxError) {
    switch next {
    case UInt8(ascii: "{"):
      guard try entersAny(until: UInt8(ascii: "}")) else { return }
      repeat {
        try skipKey()
        try skipValue()
      } while try !leaves(at: UInt8(ascii: "}"))
    case UInt8(ascii: "["):
      guard try entersAny(until: UInt8(ascii: "]")) else { return }
      repeat { try skipValue() } while try !leaves(at: UInt8(ascii: "]"))
    case UInt8(ascii: "\""): try skipString()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: _ = try skipNumber()
    }
  }

  private mutating func skipKey() throws(JSONSyntaxError) {
    guard next == UInt8(ascii: "\"") else { throw error("a key was expected") }
    try skipString()
    skipSpace()
    guard next == UInt8(ascii: ":") else { throw error("':' was expected") }
    place += 1
    skipSpace()
  }

  private mutating func skipString() throws(JSONSyntaxError) {
    place += 1
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "\""):
        place += 1
        return
      case UInt8(ascii: "\\"):
        place += 1
        _ = try escape()
      case 0..<0x20: throw error("a control character must be escaped")
      default: place += 1
      }
    }
    throw error("a text does not end")
  }
}
