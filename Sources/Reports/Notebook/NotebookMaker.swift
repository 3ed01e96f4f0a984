// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Records

/// Makes a notebook of a page: its words as text, its tables and charts as Python that reads the
/// files beside the notebook.
public struct NotebookMaker: Sendable {
  /// A file beside the notebook.
  public struct File: Sendable, Equatable {
    /// Its name within the folder of data.
    public var name: String
    /// What it holds.
    public var text: String
  }

  /// The notebook.
  public private(set) var notebook = NotebookDocument()
  /// The files that its cells read.
  public private(set) var files: [File] = []

  private let folder: String
  /// The first table of which the last cells can show a choice and a plot.
  private var example: (name: String, table: NotebookTable, label: String, figure: String)?

  /// The notebook of a page.
  ///
  /// - Parameters:
  ///   - document: The page.
  ///   - folder: The name of the folder of data beside the notebook.
  public init(_ document: PageDocument, folder: String) {
    self.folder = folder
    addTitle(document)
    for section in document.sections { add(section) }
    addGoingOn()
  }

  private mutating func addTitle(_ document: PageDocument) {
    let subtitle = document.subtitle.isEmpty ? "" : Self.escaped(document.subtitle) + "\n\n"
    notebook.append(
      .markdown, id: "title",
      """
      # \(Self.escaped(document.title))

      \(subtitle)Written by moesim \(MoesimVersion.current). The data are beside this notebook in \
      `\(folder)/`: a CSV file for each table and each chart, and the charts as Vega-Lite \
      specifications. It runs without a network, with pandas, Altair and vl-convert from the Python \
      index: `pip install pandas altair vl-convert-python`.
      """)
    notebook.append(.code, id: "set-up", NotebookPython.setUp(folder: folder))
  }

  private mutating func add(_ section: PageSection) {
    var paragraphs = ["## \(Self.escaped(section.title))"] + section.text.map(Self.escaped)
    var isFirst = true
    /// Ends the text before a cell of code.
    func flush(_ id: String) {
      guard !paragraphs.isEmpty else { return }
      notebook.append(
        .markdown, id: isFirst ? section.id : "\(id)-text", paragraphs.joined(separator: "\n\n"))
      isFirst = false
      paragraphs = []
    }
    for block in section.blocks {
      switch block {
      case .figures(let id, let figures):
        paragraphs.append("The main figures, unrounded under “Value”.")
        flush(id)
        show(id, NotebookTable(figures))
      case .table(let id, let table):
        paragraphs += Self.prose(of: table)
        flush(id)
        show(id, NotebookTable(table))
        consider(id, table)
      case .chart(let chart):
        paragraphs += Self.prose(of: chart)
        flush(chart.id)
        show(chart)
      case .facts(_, let facts): paragraphs.append(Self.table(of: facts))
      case .notices(_, let notices):
        paragraphs += notices.map { "> **Note:** \(Self.escaped($0))" }
      case .code(_, let text, let language):
        paragraphs.append("~~~~\(language)\n\(text)\(text.hasSuffix("\n") ? "" : "\n")~~~~")
      case .other("explorer", let id, let value):
        paragraphs.append("All points, a row each, to be filtered by pandas.")
        flush(id)
        show(id, NotebookTable(explorer: value))
      case .other("timeline", let id, let value):
        paragraphs.append(
          "What every lane did and when, in nanoseconds of simulated time since the start.")
        if let note = value.text("note") { paragraphs.append(Self.escaped(note)) }
        flush(id)
        show(id, NotebookTable(timeline: value))
      case .other(let type, _, _):
        paragraphs.append("The page shows a \(Self.escaped(type)) here, which a notebook cannot.")
      }
    }
    flush(section.id)
  }

  private mutating func show(_ id: String, _ table: NotebookTable) {
    files.append(File(name: "\(id).csv", text: table.text))
    notebook.append(.code, id: "\(id)-data", NotebookPython.show(id, table))
  }

  /// Keeps a table for the last cells where each row has a name of its own and there is a figure to
  /// plot, rather than a count.
  private mutating func consider(_ id: String, _ page: PageTable) {
    guard example == nil, page.rows.count >= 3 else { return }
    let table = NotebookTable(page)
    func distinct(_ key: String) -> Int {
      guard let place = table.columns.firstIndex(where: { $0.key == key }) else { return 0 }
      return Set(table.rows.map { CSVText.field($0[place]) }.filter { !$0.isEmpty }).count
    }
    let label = table.columns.first { $0.kind == .string && distinct($0.key) == page.rows.count }
    let figure = page.columns.first { column in
      column.kind == .number && column.digits != 0 && distinct(column.key) >= 3
    }
    if let label, let figure { example = (id, table, label.key, figure.key) }
  }

  private mutating func show(_ chart: Chart) {
    let shown = NotebookChart(chart)
    files.append(
      File(name: "\(chart.id).vl.json", text: JSONText.text(of: shown.spec) + "\n"))
    for file in shown.files { files.append(File(name: "\(file.name).csv", text: file.table.text)) }
    notebook.append(
      .code, id: "\(chart.id)-chart", "chart(\(NotebookPython.quoted(chart.id)))")
    if let first = shown.files.first {
      notebook.append(
        .code, id: "\(chart.id)-data",
        "# The data of the chart, or the first of them.\n"
          + NotebookPython.read(first.name, first.table) + ".head()")
    }
  }

  private mutating func addGoingOn() {
    notebook.append(
      .markdown, id: "going-on",
      """
      ## Going on

      `read(NAME)` gives any file of `\(folder)/` as a DataFrame, `chart(NAME)` draws a chart anew, \
      and `draw(SPECIFICATION)` draws a chart of yours. Change a number in a CSV file, or a field in \
      a `.vl.json` file, and run a cell again.
      """)
    guard let example else { return }
    let cells = NotebookPython.goingOn(
      example.name, example.table, label: example.label, figure: example.figure)
    notebook.append(.code, id: "going-on-filter", cells.filter)
    notebook.append(.code, id: "going-on-plot", cells.plot)
  }
}

extension NotebookMaker {
  /// What a table shows and in which units, in words.
  private static func prose(of table: PageTable) -> [String] {
    var text: [String] = []
    if let title = table.title { text.append("### \(escaped(title))") }
    let units = table.columns.compactMap { column in
      column.unit.map { "\(escaped(column.title)) [\(escaped($0))]" }
    }
    let count = "\(table.rows.count) row\(table.rows.count == 1 ? "" : "s")"
    text.append(
      units.isEmpty ? "\(count)." : "\(count). Units: \(units.joined(separator: ", ")).")
    return text
  }

  /// What a chart shows and how it is read.
  private static func prose(of chart: Chart) -> [String] {
    var text = ["### \(escaped(chart.title))", escaped(chart.description)]
    let sources = chart.sources.map { source in
      source.url.map { "[\(escaped(source.text))](\($0))" } ?? escaped(source.text)
    }
    if !sources.isEmpty { text.append("Sources: \(sources.joined(separator: "; ")).") }
    return text
  }

  private static func table(of facts: [(label: String, text: String, url: String?)]) -> String {
    let rows = facts.map { fact in
      let text = escaped(fact.text).replacing("\n", with: " ")
      return "| \(escaped(fact.label)) | \(fact.url.map { "[\(text)](\($0))" } ?? text) |"
    }
    return "| | |\n|---|---|\n" + rows.joined(separator: "\n")
  }

  /// A text in which nothing is taken for Markdown, HTML or TeX.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "\\", "`", "*", "_", "[", "]", "|", "$", "#", "~": result += "\\\(character)"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      default: result.append(character)
      }
    }
    return result
  }
}
