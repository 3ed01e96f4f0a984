// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Records
import Serving

/// The keys of a report, told by the record itself.
///
/// A pattern is a dotted key in which `<resource>`, `<link>`, `<purpose>`, `<memory>`, `<tier>`,
/// `<layer>`, `<part>` or `<figure>` stands for a name that depends on the machine and the run.
public enum ReportSchema {
  /// The pattern of every key, in the order of the record.
  public static let patterns: [String] = {
    ResultDocument(template).value.flattened().map { member in
      if member.key.hasPrefix("history."), member.key.hasSuffix(".0") {
        return member.key.dropLast() + "<index>"
      }
      return member.key.replacing(".layers.0.", with: ".layers.<layer>.")
        .replacing("unpriced_parts.0", with: "unpriced_parts.<index>")
        .replacing("accuracy.known.0.", with: "accuracy.known.<index>.")
    }.filter { !$0.hasPrefix("omitted.") && $0 != "notices.0" } + [
      "notices.<index>", "omitted.<figure>",
    ]
  }()

  /// The keys below this one that don't depend on machine and run.
  static func fixedKeys(under key: String) -> [String] {
    patterns.filter { $0.hasPrefix(key + ".") && !$0.contains("<") }
  }

  /// Whether a key may occur in a report.
  public static func mayContain(_ key: String) -> Bool {
    patterns.contains { matches(key[...], pattern: $0[...]) }
  }

  /// The key or pattern that is nearest to a key that no report contains.
  public static func closest(to key: String) -> String? {
    closestMatch(to: key, among: patterns)
  }

  /// Whether a key fits a pattern, in which each `<name>` stands for one or more characters.
  private static func matches(_ key: Substring, pattern: Substring) -> Bool {
    guard let open = pattern.firstIndex(of: "<"),
      let close = pattern[open...].firstIndex(of: ">")
    else { return key == pattern }
    let literal = pattern[..<open]
    guard key.hasPrefix(literal) else { return false }
    var rest = key.dropFirst(literal.count)
    let tail = pattern[pattern.index(after: close)...]
    while !rest.isEmpty {
      rest.removeFirst()
      if matches(rest, pattern: tail) { return true }
    }
    return false
  }

  /// A result with every key present, whose names are those of the patterns.
  private static let template: SimulationResult = {
    do { return try SimulationResult(from: SampleDecoder(codingPath: [])) } catch {
      preconditionFailure("Every field of a result can be made up: \(error)")
    }
  }()
}
