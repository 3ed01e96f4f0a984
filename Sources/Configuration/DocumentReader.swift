// SPDX-License-Identifier: GPL-3.0-or-later

import Yams

/// Reads one document by Yams and turns it into nodes with places.
///
/// Three dangers of YAML are met before or while the tree is made. How far aliases can
/// expand is reckoned first, since Yams hashes keys with all that they expand to. Depth is limited by libyaml (1000) and then by `limits.depth`. Yams stops
/// at the first mapping with duplicate keys, and names the first of the twins; so that all can be
/// reported, the first twin is renamed by a private-use character and the text is read again.
struct DocumentReader {
  let file: String
  let limits: ReadingLimits
  private var text: String
  private var marks: [Mark] = []  // where the private-use characters were put
  private var remainingNodes: Int
  private var problems: [Diagnostic] = []

  /// Stands before a key that occurs again later.
  private static let twin: Unicode.Scalar = "\u{E000}"

  init(text: String, file: String, limits: ReadingLimits) {
    self.text = Self.joiningSurrogates(text)
    self.file = file
    self.limits = limits
    remainingNodes = limits.nodes
  }

  mutating func read() throws(Diagnostics) -> ConfigurationNode {
    guard text.utf8.count <= limits.bytes else {
      throw refusal("is larger than \(limits.bytes >> 20) MiB, which no configuration is")
    }
    guard Self.largestExpansion(of: text) <= 10 * Double(limits.nodes) else {
      throw refusal(
        "may hold more than \(10 * limits.nodes) values, aliases ('*name') written out; "
          + "write fewer aliases")
    }
    let root = try compose()
    guard let root else {
      throw refusal("is empty; expected keys and values")
    }
    let node = convert(root, path: "", depth: 0)
    guard problems.isEmpty else {
      throw Diagnostics(Array(problems.prefix(DiagnosticCollector.limit)))
    }
    return node
  }

  private func refusal(_ message: String, line: Int = 1, column: Int = 1) -> Diagnostics {
    Diagnostics([
      Diagnostic(location: SourceLocation(file: file, line: line, column: column), message: message)
    ])
  }

  // MARK: Composing

  private mutating func compose() throws(Diagnostics) -> Node? {
    for round in 1...64 {
      do {
        return try Yams.compose(yaml: text, .basic, .default, .utf8)
      } catch let YamlError.duplicatedKeysInMapping(keys, context) {
        guard hide(context.mark, round: round) else {
          throw refusal(
            "has the key '\(keys.first ?? "")' more than once", line: context.mark.line,
            column: context.mark.column)
        }
      } catch {
        throw syntaxError(error)
      }
    }
    throw refusal("has more than 60 duplicate keys")
  }

  /// Puts `round` private-use characters before the key at `mark`; false when it is not found.
  private mutating func hide(_ mark: Mark, round: Int) -> Bool {
    guard !marks.contains(where: { $0.line == mark.line && $0.column == mark.column }),
      var index = index(of: mark), index < text.unicodeScalars.endIndex
    else { return false }
    let first = text.unicodeScalars[index]
    if ["&", "!", "*", "?"].contains(first) { return false }
    if first == "\"" || first == "'" { index = text.unicodeScalars.index(after: index) }
    text.unicodeScalars.insert(
      contentsOf: repeatElement(Self.twin, count: round), at: index)
    for _ in 0..<round { marks.append(mark) }
    return true
  }

  /// The place of `mark` in the text; lines end as libyaml ends them.
  private func index(of mark: Mark) -> String.Index? {
    let scalars = text.unicodeScalars
    var index = scalars.startIndex
    var line = 1
    while line < mark.line {
      guard index < scalars.endIndex else { return nil }
      let scalar = scalars[index]
      index = scalars.index(after: index)
      switch scalar {
      case "\r":
        if index < scalars.endIndex, scalars[index] == "\n" { index = scalars.index(after: index) }
        line += 1
      case "\n", "\u{85}", "\u{2028}", "\u{2029}": line += 1
      default: break
      }
    }
    return scalars.index(index, offsetBy: mark.column - 1, limitedBy: scalars.endIndex)
  }

  private func syntaxError(_ error: any Error) -> Diagnostics {
    switch error {
    case YamlError.parser(_, let problem, let mark, _)
    where problem.hasPrefix("Maximum nesting level"):
      let place = original(mark)
      return refusal(
        "is nested more deeply than \(limits.depth) levels", line: place.line, column: place.column)
    case YamlError.scanner(let context, let problem, let mark, _),
      YamlError.parser(let context, let problem, let mark, _),
      YamlError.composer(let context, let problem, let mark, _):
      let place = original(mark)
      let context = context.map { $0.text + " (line \($0.mark.line)): " } ?? ""
      return refusal(context + problem, line: place.line, column: place.column)
    case YamlError.reader(let problem, let offset, _, let yaml):
      let before = yaml.prefix(offset ?? 0).unicodeScalars
      let line = 1 + before.count { $0 == "\n" }
      let column = before.reversed().prefix { $0 != "\n" }.count + 1
      return refusal(problem, line: line, column: column)
    case YamlError.memory:
      return refusal("is nested more deeply than \(limits.depth) levels")
    default:
      return refusal("is malformed: \(error)")
    }
  }

  // MARK: Places

  private func original(_ mark: Mark) -> (line: Int, column: Int) {
    let before = marks.count { $0.line == mark.line && $0.column < mark.column }
    return (mark.line, max(1, mark.column - before))
  }

  private func location(of node: Node) -> SourceLocation {
    let place = node.mark.map(original) ?? (line: 1, column: 1)
    return SourceLocation(file: file, line: place.line, column: place.column)
  }

  // MARK: Converting

  private mutating func report(_ location: SourceLocation, _ path: String, _ message: String) {
    guard problems.count < DiagnosticCollector.limit else { return }
    problems.append(Diagnostic(location: location, path: path, message: message))
  }

  private mutating func convert(_ node: Node, path: String, depth: Int) -> ConfigurationNode {
    let location = location(of: node)
    let nothing = ConfigurationNode(.null, location: location, path: path)
    remainingNodes -= 1
    guard remainingNodes >= 0 else {
      if remainingNodes == -1 {
        report(location, path, "the file has more than \(limits.nodes) values, aliases written out")
      }
      return nothing
    }
    guard depth <= limits.depth else {
      report(location, path, "is nested more deeply than \(limits.depth) levels")
      return nothing
    }
    switch node {
    case .scalar(let scalar):
      return ConfigurationNode(Self.content(of: scalar), location: location, path: path)
    case .sequence(let sequence):
      var elements: [ConfigurationNode] = []
      elements.reserveCapacity(min(sequence.count, max(0, remainingNodes)))
      for element in sequence {
        guard remainingNodes >= 0 else { break }
        elements.append(convert(element, path: "\(path)[\(elements.count)]", depth: depth + 1))
      }
      return ConfigurationNode(.sequence(elements), location: location, path: path)
    case .mapping(let mapping):
      let entries = convert(mapping, path: path, depth: depth)
      return ConfigurationNode(.mapping(entries), location: location, path: path)
    case .alias:
      report(location, path, "an alias stands where a value was expected")
      return nothing
    }
  }

  private mutating func convert(
    _ mapping: Node.Mapping, path: String, depth: Int
  ) -> [ConfigurationNode.Entry] {
    var entries: [ConfigurationNode.Entry] = []
    var firstPlaces: [String: SourceLocation] = [:]
    for (key, value) in mapping {
      guard remainingNodes >= 0 else { break }
      let place = location(of: key)
      guard case .scalar(let scalar) = key else {
        report(place, path, "a key is a list or a mapping; expected a text")
        continue
      }
      let name = String(
        String.UnicodeScalarView(scalar.string.unicodeScalars.drop { $0 == Self.twin }))
      let keyPath = ConfigurationNode.join(path, name)
      if let first = firstPlaces[name] {
        report(
          place, keyPath,
          "the key '\(name)' stands twice; first in line \(first.line), "
            + "column \(first.column)")
        continue
      }
      firstPlaces[name] = place
      entries.append(
        ConfigurationNode.Entry(
          key: name, keyLocation: place, value: convert(value, path: keyPath, depth: depth + 1)))
    }
    return entries
  }

  private static func content(of scalar: Node.Scalar) -> ConfigurationNode.Content {
    let plain = scalar.style == .plain || scalar.style == .any
    if plain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) { return .null }
    return .scalar(scalar.string, quoted: !plain)
  }

  // MARK: JSON

  /// `text` with the surrogate pairs of JSON ("\ud83d\ude00"), which YAML does not know, replaced by
  /// the character that they stand for.
  static func joiningSurrogates(_ text: String) -> String {
    let first = text.utf8.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return text }
    var result = ""
    var position = text.startIndex
    while let (range, scalar) = text.range(ofSurrogateEscape: position) {
      result += text[position..<range.lowerBound]
      result.unicodeScalars.append(scalar)
      position = range.upperBound
    }
    return result + text[position...]
  }

  // MARK: Aliases

  /// How many values the text can hold at most once its aliases are written out.
  ///
  /// Each value takes two bytes at least. `a` aliases to `k` anchors nest `k` deep at most, and
  /// multiply by (1 + a/k)^k at most, since the geometric mean is not above the arithmetic one.
  static func largestExpansion(of text: String) -> Double {
    let values = Double(text.utf8.count) / 2
    let aliases = wordCount(in: text, after: UInt8(ascii: "*"))
    let anchors = wordCount(in: text, after: UInt8(ascii: "&"))
    // Without either, nothing is repeated; a text may have stars and ampersands all the same.
    guard aliases > 0, anchors > 0 else { return 0 }
    var factor = 1.0
    for _ in 0..<min(anchors, 1000) { factor *= 1 + Double(aliases) / Double(anchors) }
    return values * factor
  }

  /// How many names follow `mark` where an anchor or alias may stand; too many rather than too few.
  private static func wordCount(in text: String, after mark: UInt8) -> Int {
    func isName(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    var count = 0
    var beforeLast = UInt8(ascii: "\n")
    var last = UInt8(ascii: "\n")
    for byte in text.utf8 {
      if last == mark, isName(byte), !isName(beforeLast), beforeLast != UInt8(ascii: ".") {
        count += 1
      }
      beforeLast = last
      last = byte
    }
    return count
  }
}

extension String {
  /// The next escaped pair of surrogates at or after `start`, and the character that it stands for.
  ///
  /// A backslash that is escaped itself begins no pair.
  fileprivate func range(
    ofSurrogateEscape start: Index
  ) -> (range: Range<Index>, scalar: Unicode.Scalar)? {
    let bytes = utf8
    var index = start
    while let slash = bytes[index...].firstIndex(of: UInt8(ascii: "\\")) {
      index = bytes.index(slash, offsetBy: 2, limitedBy: bytes.endIndex) ?? bytes.endIndex
      guard let high = codeUnit(escapedAt: slash), (0xD800..<0xDC00).contains(high),
        let middle = bytes.index(slash, offsetBy: 6, limitedBy: bytes.endIndex),
        let low = codeUnit(escapedAt: middle), (0xDC00..<0xE000).contains(low),
        let end = bytes.index(middle, offsetBy: 6, limitedBy: bytes.endIndex),
        let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
      else { continue }
      return (slash..<end, scalar)
    }
    return nil
  }

  /// The value of a "\\uXXXX" that begins at `slash`.
  private func codeUnit(escapedAt slash: Index) -> UInt32? {
    let bytes = utf8[slash...].prefix(6)
    guard bytes.count == 6, bytes.first == UInt8(ascii: "\\"),
      bytes.dropFirst().first == UInt8(ascii: "u")
    else { return nil }
    let digits = String(decoding: bytes.dropFirst(2), as: UTF8.self)
    guard digits.allSatisfy(\.isHexDigit) else { return nil }
    return UInt32(digits, radix: 16)
  }
}
