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
    /// When the table is too wide, to how many characters the column's texts are broken before a column
    /// goes.
    public var breaksAt: Int?
    /// A column of text, or of numbers.
    public init(
      _ title: String, isNumeric: Bool = false, dropOrder: Int = 0, breaksAt: Int? = nil
    ) {
      self.title = title
      self.isNumeric = isNumeric
      self.dropOrder = dropOrder
      self.breaksAt = breaksAt
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
  /// Columns that may go are left out where there's no room for them. Then texts are broken over
  /// several lines, those of the widest column first; numbers are cut only where nothing else helps.
  public func lines(style: ReportStyle, indent: Int = 0) -> [String] {
    let (shown, widths) = layout(style: style, indent: indent)
    func lines(_ cells: [String]) -> [String] {
      let texts = shown.map { cellLines(cells[$0], $0, width: widths[$0]) }
      return (0..<(texts.map(\.count).max() ?? 0)).map { row in
        var text = String(repeating: " ", count: indent)
        for (column, cell) in zip(shown, texts) {
          let part = row < cell.count ? cell[row] : ""
          text +=
            columns[column].isNumeric
            ? part.paddedLeading(to: widths[column]) : part.padded(to: widths[column])
          text += String(repeating: " ", count: Self.gap)
        }
        while text.last == " " { text.removeLast() }
        return text
      }
    }
    return lines(columns.map(\.title)).map { style.emphasize($0, .faint) }
      + rows.flatMap { lines($0) }
  }

  /// The titles of the columns for which a style's width has no room.
  public func omitted(style: ReportStyle, indent: Int = 0) -> [String] {
    let shown = layout(style: style, indent: indent).shown
    return columns.indices.filter { !shown.contains($0) }.map { columns[$0].title }
  }

  /// Blanks between columns.
  private static let gap = 2

  /// The columns that are shown, and the width of every column.
  private func layout(style: ReportStyle, indent: Int) -> (shown: [Int], widths: [Int]) {
    var shown = Array(columns.indices)
    func naturalWidth(_ column: Int) -> Int {
      rows.reduce(columns[column].title.count) { max($0, $1[column].count) }
    }
    var widths = columns.indices.map(naturalWidth)
    func total() -> Int {
      shown.reduce(indent - Self.gap) { $0 + widths[$1] + Self.gap }
    }
    if total() > style.width {
      for column in shown { widths[column] = min(widths[column], columns[column].breaksAt ?? .max) }
    }
    while total() > style.width {
      let candidates = shown.filter { columns[$0].dropOrder > 0 }
      guard let last = candidates.max(by: { columns[$0].dropOrder <= columns[$1].dropOrder })
      else { break }
      shown.removeAll { $0 == last }
    }
    func narrow(to least: Int, where mayShrink: (Column) -> Bool) {
      while total() > style.width {
        let candidates = shown.filter { mayShrink(columns[$0]) && widths[$0] > least }
        guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { return }
        widths[widest] -= 1
      }
    }
    narrow(to: 12) { !$0.isNumeric }
    narrow(to: 7) { !$0.isNumeric }
    narrow(to: 4) { _ in true }
    return (shown, widths)
  }

  /// A cell in lines of a column's width: texts are broken between words, numbers never.
  private func cellLines(_ cell: String, _ column: Int, width: Int) -> [String] {
    if cell.count <= width { return [cell] }
    return columns[column].isNumeric ? [cell.truncated(to: width)] : cell.wrapped(to: width)
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
