// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Reports

/// Named values about one thing, in each of the listing formats.
///
/// Keys may be dotted: `prompt_tokens.mean` stands under `prompt_tokens` in JSON.
struct Facts {
  private var entries: [(key: String, value: ReportValue, text: String)] = []

  /// Adds a value, with how a person reads it where that is not the value's own text.
  mutating func add(_ key: String, _ value: ReportValue, _ text: String? = nil) {
    let own: String
    switch value {
    case .null: own = "-"
    case .text(let text): own = text
    default: own = JSONText.text(of: value, layout: .compact)
    }
    entries.append((key, value, text ?? own))
  }

  /// The facts as text that ends in a newline.
  func text(_ format: ListingFormat, style: ReportStyle) -> String {
    switch format {
    case .json: return JSONText.text(of: tree) + "\n"
    case .jsonl: return JSONText.text(of: tree, layout: .compact) + "\n"
    case .table:
      let width = entries.map(\.key.count).max() ?? 0
      return entries.map { entry in
        let name = entry.key.replacing("_", with: " ").replacing(".", with: " ")
        let lines = Text.wrapped(entry.text, to: max(30, style.width - width - 2))
        let gap = String(repeating: " ", count: width + 2)
        return name + String(repeating: " ", count: width + 2 - name.count)
          + lines.joined(separator: "\n" + gap) + "\n"
      }.joined()
    case .csv, .markdown:
      var listing = Listing([("key", "key", false, 0), ("value", "value", false, 0)])
      for entry in entries { listing.append([.text(entry.key), entry.value]) }
      return listing.text(format, style: style)
    }
  }

  private var tree: ReportValue {
    var members: [ReportValue.Member] = []
    for entry in entries {
      let parts = entry.key.split(separator: ".").map(String.init)
      guard parts.count == 2 else {
        members.append(ReportValue.Member(entry.key, entry.value))
        continue
      }
      let member = ReportValue.Member(parts[1], entry.value)
      if let index = members.firstIndex(where: { $0.key == parts[0] }),
        case .object(let inner) = members[index].value
      {
        members[index].value = .object(inner + [member])
      } else {
        members.append(ReportValue.Member(parts[0], .object([member])))
      }
    }
    return .object(members)
  }
}

extension ListingOptions {
  /// Writes facts.
  func write(_ facts: Facts) throws {
    try OutputWriter.write(facts.text(format, style: style), to: output)
  }
}
