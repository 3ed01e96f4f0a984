// SPDX-License-Identifier: GPL-3.0-or-later

public import Records

/// A figure of the headline.
public struct PageFigure: Sendable, Equatable {
  /// The key of the report's figure.
  public var key: String
  /// What it is.
  public var label: String
  /// The report's figure, unrounded.
  public var value: Double?
  /// The figure with its unit, as people read it.
  public var text: String
  /// The interval in words.
  public var interval: String?
  /// What else to know of it.
  public var note: String?

  var json: ReportValue {
    [
      "key": .text(key), "label": .text(label), "value": .optional(value), "text": .text(text),
      "interval": .optional(interval), "note": .optional(note),
    ]
  }
}

/// A table with typed columns.
public struct PageTable: Sendable, Equatable {
  /// What a column holds.
  public enum Kind: String, Sendable { case text, number, link }

  /// A column.
  public struct Column: Sendable, Equatable {
    /// The name of the column for programs.
    public var key: String
    /// Its heading.
    public var title: String
    /// What it holds.
    public var kind: Kind
    /// The unit of its numbers.
    public var unit: String?
    /// How many digits stand behind the point; `nil` leaves it to the page.
    public var digits: Int?

    init(
      _ key: String, _ title: String, _ kind: Kind = .text, unit: String? = nil,
      digits: Int? = nil
    ) {
      self.key = key
      self.title = title
      self.kind = kind
      self.unit = unit
      self.digits = digits
    }

    var value: ReportValue {
      [
        "key": .text(key), "title": .text(title), "kind": .text(kind.rawValue),
        "unit": .optional(unit), "digits": digits.map { .integer(Int64($0)) } ?? .null,
      ]
    }
  }

  /// The caption.
  public var title: String?
  /// The columns.
  public var columns: [Column]
  /// The rows, a cell for each column.
  public var rows: [[ReportValue]]
  /// Whether headings sort.
  public var isSortable = false
  /// Whether rows can be searched.
  public var isFilterable = false
  /// Rows shown at once; `nil` shows all.
  public var pageSize: Int?
}

/// A part of a section of a page.
public enum PageBlock: Sendable, Equatable {
  /// Headline figures.
  case figures(id: String, [PageFigure])
  /// A chart; its id is the block's.
  case chart(Chart)
  /// A table.
  case table(id: String, PageTable)
  /// Labels with values, each with an address where there is one.
  case facts(id: String, [(label: String, text: String, url: String?)])
  /// Sentences that a reader must not miss.
  case notices(id: String, [String])
  /// Text to copy, in a language: yaml, shell or json.
  case code(id: String, text: String, language: String)
  /// A block that is made elsewhere: its type, its id and its other members.
  case other(type: String, id: String, ReportValue)

  /// The block as the page reads it.
  public var value: ReportValue {
    switch self {
    case .figures(let id, let figures):
      return [
        "type": "figures", "id": .text(id), "figures": .list(figures.map(\.json)),
      ]
    case .chart(let chart):
      return [
        "type": "chart", "id": .text(chart.id), "title": .text(chart.title),
        "description": .text(chart.description), "spec": chart.spec,
        "source": .list(chart.sources.map(\.value)),
      ]
    case .table(let id, let table):
      return [
        "type": "table", "id": .text(id), "title": .optional(table.title),
        "columns": .list(table.columns.map(\.value)), "rows": .list(table.rows.map { .list($0) }),
        "sortable": .bool(table.isSortable), "filter": .bool(table.isFilterable),
        "page_size": table.pageSize.map { .integer(Int64($0)) } ?? .null,
      ]
    case .facts(let id, let facts):
      return [
        "type": "facts", "id": .text(id),
        "facts": .list(
          facts.map { fact in
            ["label": .text(fact.label), "text": .text(fact.text), "url": .optional(fact.url)]
          }),
      ]
    case .notices(let id, let notices):
      return ["type": "notices", "id": .text(id), "notices": .texts(notices)]
    case .code(let id, let text, let language):
      return [
        "type": "code", "id": .text(id), "text": .text(text), "language": .text(language),
      ]
    case .other(let type, let id, let members):
      var value: ReportValue = ["type": .text(type), "id": .text(id)]
      if case .object(let members) = members {
        for member in members { value.set(member.key, to: member.value) }
      }
      return value
    }
  }

  /// Whether two blocks become the same.
  public static func == (left: PageBlock, right: PageBlock) -> Bool { left.value == right.value }
}
