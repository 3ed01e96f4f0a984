// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// A chart whose data stand beside its specification as CSV.
///
/// The specification is the one that `--export-chart` writes, which differs from the page's by a
/// title, a width in pixels and a ground; only its data are taken out and referred to by address.
struct NotebookChart: Sendable, Equatable {
  /// The specification.
  var spec: ReportValue
  /// The files that it names, with what they hold.
  private(set) var files: [(name: String, table: NotebookTable)] = []

  /// The chart with its data taken out.
  init(_ chart: Chart) {
    spec = .null
    spec = replaced(chart.standalone(), id: chart.id)
  }

  private mutating func replaced(_ value: ReportValue, id: String) -> ReportValue {
    switch value {
    case .object(let members):
      return .object(
        members.map { member in
          guard member.key == "data", case .list(let values)? = member.value["values"] else {
            return .init(member.key, replaced(member.value, id: id))
          }
          return .init(member.key, reference(to: values, id: id) ?? member.value)
        })
    case .list(let items): return .list(items.map { replaced($0, id: id) })
    default: return value
    }
  }

  /// The address of data, and how their columns are read; `nil` where they stay in place.
  private mutating func reference(to values: [ReportValue], id: String) -> ReportValue? {
    // A line across the plot is drawn from a single number, which belongs to the drawing.
    if values.count <= 1, case .object(let members)? = values.first ?? .object([]),
      members.count <= 1
    {
      return nil
    }
    guard let table = NotebookTable(values: values) else { return nil }
    let name: String
    if let known = files.first(where: { $0.table == table }) {
      name = known.name
    } else {
      name = files.isEmpty ? id : "\(id)-\(files.count + 1)"
      files.append((name, table))
    }
    return [
      "url": .text("\(name).csv"),
      "format": [
        "type": "csv",
        "parse": .object(table.columns.map { .init($0.key, $0.kind.parse) }),
      ],
    ]
  }

  static func == (left: NotebookChart, right: NotebookChart) -> Bool {
    left.spec == right.spec && left.files.elementsEqual(right.files) { $0 == $1 }
  }
}
