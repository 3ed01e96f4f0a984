// SPDX-License-Identifier: GPL-3.0-or-later

/// The lines of a text in memory, cut into fields at commas without copying.
struct DelimitedLines {
  // Held, so that its bytes stay in memory.
  private let file: MappedFile
  private var offset = 0
  /// The number of the current line, from 1; 0 before the first.
  private(set) var number = 0
  /// Where each field of the current line is.
  private(set) var fields: [Range<Int>] = []
  /// The current line.
  private(set) var line: Range<Int> = 0..<0

  /// Longer lines and more fields than these are no trace.
  static let longestLine = 1 << 20
  static let mostFields = 4096

  init(_ file: MappedFile) { self.file = file }

  private var bytes: UnsafeRawBufferPointer { file.bytes }

  mutating func rewind() {
    offset = 0
    number = 0
  }

  /// Goes to the next line that is not empty; `false` at the end.
  mutating func next(cutAt comma: UInt8 = 0x2C) -> Bool {
    while offset < bytes.count {
      let start = offset
      fields.removeAll(keepingCapacity: true)
      var field = start
      while offset < bytes.count {
        let byte = bytes[offset]
        if byte == 0x0A || offset - start > Self.longestLine { break }
        if byte == comma && fields.count < Self.mostFields {
          fields.append(field..<offset)
          field = offset + 1
        }
        offset += 1
      }
      var end = offset
      if end > start && bytes[end - 1] == 0x0D { end -= 1 }
      fields.append(min(field, end)..<end)
      line = start..<end
      number += 1
      if offset < bytes.count { offset += 1 }
      if end > start { return true }
    }
    return false
  }

  func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range].prefix(200), as: UTF8.self)
  }

  /// A field as a whole number from 0, or `nil`.
  func integer(_ field: Int) -> Int? {
    if field >= fields.count { return nil }
    return integer(in: fields[field])
  }

  func integer(in range: Range<Int>) -> Int? {
    if range.isEmpty || range.count > 18 { return nil }
    var value = 0
    for index in range {
      let digit = Int(bytes[index]) - 0x30
      if digit < 0 || digit > 9 { return nil }
      value = value * 10 + digit
    }
    return value
  }

  /// A field as a finite number, or `nil`.
  func number(_ field: Int) -> Double? {
    if field >= fields.count || fields[field].count > 40 { return nil }
    guard let value = Double(text(fields[field])), value.isFinite else { return nil }
    return value
  }

  /// The parts of a range between spaces.
  func words(in range: Range<Int>) -> [Range<Int>] {
    var words: [Range<Int>] = []
    var start = range.lowerBound
    for index in range where bytes[index] == 0x20 {
      if index > start { words.append(start..<index) }
      start = index + 1
    }
    if range.upperBound > start { words.append(start..<range.upperBound) }
    return words
  }
}
