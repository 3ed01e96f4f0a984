// SPDX-License-Identifier: GPL-3.0-or-later

/// A table of text, laid out for a terminal of a given width or as Markdown.
public struct TextTable: Sendable {
  /// One column.
  public struct Column: Sendable {
    /// The title.
    public var title: String
    /// Whether the column holds numbers, which are set flush right.
    public var isNumeric: Bool
    /// When the table is too wide, columns with the highest of these go first; those with 0 stay.
    public var dropOrder: Int
    /// A column of text, or of numbers.
    public init(_ title: String, isNumeric: Bool = false, dropOrder: Int = 0) {
      self.title = title
      self.isNumeric = isNumeric
      self.dropOrder = dropOrder
    }
  }

  /// The columns.
  public var columns: [Column]
  /// The rows, each with a text for every column.
  public var rows: [[String]]

  /// A table of those columns and rows.
  public init(columns: [Column], rows: [[String]] = []) {
    self.columns = columns
    self.rows = rows
  }

  /// Adds a row, which must have a text for every column.
  public mutating func append(_ row: [String]) {
    precondition(row.count == columns.count, "A row has one text for every column.")
    rows.append(row)
  }

  /// The lines of the table, of at most `style.width` columns, the header first.
  ///
  /// Columns that may go are left out where there's no room for them; what still doesn't fit is
  /// cut, the widest column first.
  public func lines(style: ReportStyle, indent: Int = 0) -> [String] {
    let gap = 2
    var shown = Array(columns.indices)
    func naturalWidth(_ column: Int) -> Int {
      rows.reduce(columns[column].title.count) { max($0, $1[column].count) }
    }
    var widths = columns.indices.map(naturalWidth)
    func total() -> Int {
      shown.reduce(indent - gap) { $0 + widths[$1] + gap }
    }
    while total() > style.width {
      let candidates = shown.filter { columns[$0].dropOrder > 0 }
      guard let last = candidates.max(by: { columns[$0].dropOrder <= columns[$1].dropOrder })
      else { break }
      shown.removeAll { $0 == last }
    }
    while total() > style.width {
      guard let widest = shown.max(by: { widths[$0] < widths[$1] }), widths[widest] > 4 else {
        break
      }
      widths[widest] -= 1
    }
    func line(_ cells: [String], bold: Bool) -> String {
      let texts = shown.map { column in
        let cell = cells[column].truncated(to: widths[column])
        return columns[column].isNumeric
          ? cell.paddedLeading(to: widths[column]) : cell.padded(to: widths[column])
      }
      var text = String(repeating: " ", count: indent) + texts.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      return bold ? style.emphasize(text, .faint) : text
    }
    return [line(columns.map(\.title), bold: true)] + rows.map { line($0, bold: false) }
  }

  /// The table as GitHub-flavoured Markdown.
  public func markdownLines() -> [String] {
    func line(_ cells: [String]) -> String {
      "| " + cells.map(MarkdownText.escaped).joined(separator: " | ") + " |"
    }
    let rule = "| " + columns.map { $0.isNumeric ? "---:" : ":---" }.joined(separator: " | ") + " |"
    return [line(columns.map(\.title)), rule] + rows.map(line)
  }
}

/// Text within Markdown.
enum MarkdownText {
  /// The text with the signs that Markdown would act on made harmless.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "|", "\\", "*", "_", "`", "<", ">", "[", "]": result += "\\\(character)"
      case _ where character.isNewline: result += " "
      default: result.append(character)
      }
    }
    return result
  }
}
