// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// One part of a report for people, independent of whether a terminal or Markdown shows it.
struct ReportSection {
  /// What the part answers; empty for the head of the report.
  var title: String
  /// What stands in it, in order.
  var blocks: [Block]

  enum Block {
    /// Labelled values.
    case facts([(label: String, value: String)])
    /// A table.
    case table(TextTable)
    /// Parts of a whole, with a bar each.
    case bars(unit: String, [Bar])
    /// Sentences, one an item.
    case list([String])
    /// A sentence.
    case paragraph(String)
    /// A sentence that nobody may miss.
    case warning(String)
    /// Lines that are drawn as they are.
    case picture([String])
  }

  /// One part of a whole.
  struct Bar {
    var label: String
    var value: Double
    var share: Double
    /// Whether the part is time lost.
    var isStall: Bool
  }
}

extension ReportSection {
  /// The lines for a terminal.
  func lines(style: ReportStyle) -> [String] {
    var lines: [String] = []
    if !title.isEmpty { lines.append(style.emphasize(title.truncated(to: style.width), .heading)) }
    for (index, block) in blocks.enumerated() {
      if index > 0 { lines.append("") }
      lines += Self.lines(of: block, style: style)
    }
    return lines
  }

  private static func lines(of block: Block, style: ReportStyle) -> [String] {
    switch block {
    case .facts(let facts):
      let longestValue = facts.map(\.value.count).max() ?? 0
      let roomForLabels = max(style.width / 2, style.width - 4 - longestValue)
      let labelWidth = min(facts.map(\.label.count).max() ?? 0, roomForLabels)
      return facts.flatMap { fact in
        let room = max(8, style.width - labelWidth - 4)
        return fact.value.wrapped(to: room).enumerated().map { index, text in
          let label = index == 0 ? fact.label.truncated(to: labelWidth) : ""
          return "  " + label.padded(to: labelWidth) + "  " + text
        }
      }
    case .table(let table):
      return table.lines(style: style, indent: 2)
    case .bars(let unit, let bars):
      return barLines(bars, unit: unit, style: style)
    case .list(let items):
      return items.flatMap { item in
        item.wrapped(to: style.width - 4).enumerated().map { ($0 == 0 ? "  - " : "    ") + $1 }
      }
    case .paragraph(let text):
      return text.wrapped(to: style.width - 2).map { "  " + $0 }
    case .picture(let lines):
      return lines.map { "  " + $0 }
    case .warning(let text):
      return text.wrapped(to: style.width - 3).map { style.emphasize("!! " + $0, .warning) }
    }
  }

  private static func barLines(_ bars: [Bar], unit: String, style: ReportStyle) -> [String] {
    let values = bars.map { FigureText.number($0.value) }
    let shares = bars.map { FigureText.percent($0.share) }
    let valueWidth = values.map(\.count).max() ?? 0
    let shareWidth = shares.map(\.count).max() ?? 0
    let room = style.width - 2 - valueWidth - shareWidth - 4
    let labelWidth = min(bars.map(\.label.count).max() ?? 0, max(8, room))
    let barWidth = min(24, room - labelWidth - 2)
    return bars.indices.map { index in
      let bar = bars[index]
      var line = "  " + bar.label.truncated(to: labelWidth).padded(to: labelWidth)
      line += "  " + values[index].paddedLeading(to: valueWidth)
      line += "  " + shares[index].paddedLeading(to: shareWidth)
      guard barWidth >= 4 else { return line }
      let picture = style.bar(bar.share, width: barWidth)
      var trimmed = picture
      while trimmed.last == " " { trimmed.removeLast() }
      return trimmed.isEmpty
        ? line : line + "  " + style.emphasize(trimmed, bar.isStall ? .stall : .work)
    }
  }

  /// The lines for Markdown, under a heading of this level.
  func markdownLines(level: Int) -> [String] {
    var lines: [String] = []
    if !title.isEmpty {
      lines += [String(repeating: "#", count: level) + " " + MarkdownText.escaped(title), ""]
    }
    for block in blocks {
      lines += Self.markdownLines(of: block)
      lines.append("")
    }
    return lines
  }

  private static func markdownLines(of block: Block) -> [String] {
    switch block {
    case .facts(let facts):
      var table = TextTable(columns: [.init("Figure"), .init("Value")])
      for fact in facts { table.append([fact.label, fact.value]) }
      return table.markdownLines()
    case .table(let table):
      return table.markdownLines()
    case .bars(let unit, let bars):
      var table = TextTable(columns: [
        .init("Part"), .init(unit, isNumeric: true), .init("Share", isNumeric: true), .init(""),
      ])
      let style = ReportStyle(usesUnicode: true)
      for bar in bars {
        let picture = style.bar(bar.share, width: 16).trimmingSuffix(" ")
        table.append([
          bar.label, FigureText.number(bar.value), FigureText.percent(bar.share), picture,
        ])
      }
      return table.markdownLines()
    case .list(let items):
      return items.map { "- " + MarkdownText.escaped($0) }
    case .paragraph(let text):
      return [MarkdownText.escaped(text)]
    case .picture(let lines):
      return ["```text"] + lines + ["```"]
    case .warning(let text):
      return ["> **Warning:** " + MarkdownText.escaped(text)]
    }
  }
}

extension String {
  /// The text without this character at its end.
  fileprivate func trimmingSuffix(_ character: Character) -> String {
    var result = self
    while result.last == character { result.removeLast() }
    return result
  }
}
