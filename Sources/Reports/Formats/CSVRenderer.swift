// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Writes results as CSV (RFC 4180 with line feeds): a header of dotted keys, one row a result.
///
/// The columns of the fixed schema are always there and in the same order; those that depend on the
/// machine (resources, links, memories, tiers) follow where they belong, for all results together.
/// Counts by layer and what a run did over time are left to JSON. An absent value is an empty field.
public struct CSVRenderer: ReportRenderer {
  /// A renderer.
  public init() {}

  /// The CSV.
  public func render(_ documents: [ResultDocument]) -> String {
    let rows = documents.map { Self.row(of: $0.value) }
    var header = CSVHeader()
    for row in rows { header.merge(row.map(\.key)) }
    var text = CSVText.line(header.keys)
    for row in rows {
      var values: [String: ReportValue] = [:]
      for member in row { values[member.key] = member.value }
      text += CSVText.line(header.keys.map { values[$0].map(CSVText.field) ?? "" })
    }
    return text
  }

  private static func row(of value: ReportValue) -> [ReportValue.Member] {
    var tree = value
    tree.remove("history")
    if case .list(let notices)? = tree["notices"] {
      let texts = notices.map(CSVText.field)
      tree.set("notices", to: .text(texts.joined(separator: "; ")))
    }
    return tree.flattened().filter { !isOfLayer($0.key) }.flatMap { member in
      guard member.value == .null else { return [member] }
      if ReportSchema.mayContain(member.key) { return [member] }
      return ReportSchema.fixedKeys(under: member.key).map { .init($0, .null) }
    }
  }

  private static func isOfLayer(_ key: String) -> Bool {
    key.hasPrefix("expert_cache.tiers.") && key.contains(".layers.")
  }
}

/// The union of several rows' keys, each new key after the one that stands before it in its row.
struct CSVHeader {
  private(set) var keys: [String] = []
  private var known: Set<String> = []

  mutating func merge(_ row: [String]) {
    if keys.isEmpty {
      keys = row
      known = Set(row)
      return
    }
    guard row.contains(where: { !known.contains($0) }) else { return }
    var place = keys.startIndex
    for key in row {
      if known.contains(key) {
        // Rows share the order of the schema, so the search mostly looks at the next few.
        if let found = keys[place...].firstIndex(of: key) { place = found + 1 }
      } else {
        keys.insert(key, at: place)
        known.insert(key)
        place += 1
      }
    }
  }
}

/// The syntax of CSV.
public enum CSVText {
  /// One line of fields, with its line feed.
  public static func line(_ fields: [String]) -> String {
    fields.map(quoted).joined(separator: ",") + "\n"
  }

  /// A value as a field, before quoting: empty for null and containers.
  public static func field(_ value: ReportValue) -> String {
    switch value {
    case .null, .list, .object: ""
    case .text(let text): text
    case .bool, .integer, .unsigned, .number: JSONText.text(of: value)
    }
  }

  private static func quoted(_ field: String) -> String {
    let needsQuotes = field.utf8.contains {
      $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 10 || $0 == 13
    }
    guard needsQuotes else { return field }
    return "\""
      + field.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"") + "\""
  }
}
