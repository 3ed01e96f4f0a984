// SPDX-License-Identifier: GPL-3.0-or-later

/// A number with a dimension, held in the base unit of that dimension.
///
/// `try Quantity(parsing: "31.5 GB/s")` is 31.5e9 bytes per second; `"24 GiB"` is 24 × 2³⁰ bytes
/// and `"24 GB"` is 24e9.
public struct Quantity: Hashable, Sendable, CustomStringConvertible {
  /// The number of base units: bytes, B/s, FLOP, FLOP/s, s, 1/s, Hz, W, J, USD, USD/J, USD/h, …
  public var value: Double
  /// What the number measures.
  public var dimension: Dimension

  /// Creates a quantity of `value` base units.
  public init(_ value: Double, _ dimension: Dimension) {
    self.value = value
    self.dimension = dimension
  }

  /// Reads a number and the unit behind it.
  ///
  /// A number without a unit is a `.count`. Space between number and unit is free; the unit's case
  /// counts, since "mW" is not "MW".
  /// - Throws: `QuantityError` naming the text, and the unit that was probably meant.
  public init(parsing text: String) throws(QuantityError) {
    let trimmed = Substring(text).trimmedOfSpaces
    // "$1599" is how prices are often written.
    let dollars = trimmed.first == "$"
    let body = dollars ? trimmed.dropFirst().trimmedOfSpaces : trimmed
    let end = body.endOfNumber
    guard end > body.startIndex else {
      let word = body.lowercased()
      let isInfinite = ["nan", "inf", "-inf", "+inf", "infinity", ".inf", "-.inf", ".nan"]
        .contains(word)
      throw isInfinite ? .notFinite(text: text) : .notANumber(text: text)
    }
    let digits = body[..<end].filter { $0 != "_" }
    guard let number = Double(String(digits)) else { throw .notANumber(text: text) }
    guard number.isFinite else { throw .notFinite(text: text) }
    var symbol = String(body[end...].filter { !$0.isWhitespace })
    if dollars { symbol = "USD" + symbol }
    if symbol.isEmpty {
      self.init(number, .count)
      return
    }
    guard let unit = UnitTable.unit(named: symbol) else {
      throw .unknownUnit(
        text: text, unit: symbol, suggestion: UnitTable.suggestion(for: symbol))
    }
    guard let value = unit.baseUnits(String(digits)), value.isFinite else {
      throw .notFinite(text: text)
    }
    self.init(value, unit.dimension)
  }

  /// Reads a number and its unit, which must measure `expected`.
  ///
  /// A bare number is accepted as a count, a fraction or a number of tokens. Hertz and events per
  /// second stand for one another.
  public init(parsing text: String, as expected: Dimension) throws(QuantityError) {
    let found = try Quantity(parsing: text)
    switch (found.dimension, expected) {
    case (expected, _): self = found
    case (.count, .fraction), (.count, .tokens), (.tokens, .count), (.hertz, .perSecond),
      (.perSecond, .hertz):
      self.init(found.value, expected)
    case (.count, _): throw .missingUnit(text: text, expected: expected)
    default: throw .wrongDimension(text: text, found: found.dimension, expected: expected)
    }
  }

  /// The quantity with a unit that suits its size: "24 GiB", "31.5 GB/s".
  public var description: String { QuantityFormat().string(value, dimension) }
}

extension Substring {
  /// The text without white space at both ends.
  fileprivate var trimmedOfSpaces: Substring {
    var result = self
    while let first = result.first, first.isWhitespace { result.removeFirst() }
    while let last = result.last, last.isWhitespace { result.removeLast() }
    return result
  }

  /// Where the number at the beginning ends; `startIndex` if there is none.
  ///
  /// An "e" belongs to the number only when digits follow it, so that "2 EB" keeps its unit.
  fileprivate var endOfNumber: Index {
    var index = startIndex
    var sawDigit = false
    func isDigit(_ position: Index) -> Bool {
      position < endIndex && self[position].isASCII && self[position].isNumber
    }
    if index < endIndex, self[index] == "-" || self[index] == "+" {
      index = self.index(after: index)
    }
    while isDigit(index) || (sawDigit && index < endIndex && self[index] == "_") {
      sawDigit = true
      index = self.index(after: index)
    }
    if index < endIndex, self[index] == "." {
      index = self.index(after: index)
      while isDigit(index) {
        sawDigit = true
        index = self.index(after: index)
      }
    }
    guard sawDigit else { return startIndex }
    if index < endIndex, self[index] == "e" || self[index] == "E" {
      var exponent = self.index(after: index)
      if exponent < endIndex, self[exponent] == "-" || self[exponent] == "+" {
        exponent = self.index(after: exponent)
      }
      if isDigit(exponent) {
        while isDigit(exponent) { exponent = self.index(after: exponent) }
        index = exponent
      }
    }
    return index
  }
}
