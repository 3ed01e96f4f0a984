// SPDX-License-Identifier: GPL-3.0-or-later

import Records

extension NotebookTable {
  /// The runs of an explorer, a row each.
  init(explorer: ReportValue) {
    let axes = explorer.list("axes").compactMap { $0.text("key") }
    let figures = explorer.list("figures")
    var columns: [PageTable.Column] = [.init("id", "Point"), .init("status", "Status")]
    columns += axes.map { PageTable.Column($0, $0) }
    columns += figures.map { figure in
      let unit = figure.text("unit") ?? ""
      return PageTable.Column(
        figure.text("key") ?? "", figure.text("title") ?? "", .number,
        unit: unit.isEmpty ? nil : unit)
    }
    columns.append(PageTable.Column("front", "On the front"))
    let rows = explorer.list("rows").map { row -> [ReportValue] in
      var cells = [row["id"] ?? .null, row["status"] ?? .null]
      for axis in axes { cells.append(row["axes"]?[axis] ?? .null) }
      for figure in figures { cells.append(row["figures"]?[figure.text("key") ?? ""] ?? .null) }
      cells.append(row["front"] ?? .null)
      return cells
    }
    self.init(PageTable(title: nil, columns: columns, rows: rows))
  }

  /// The slices of a timeline, a row each.
  init(timeline: ReportValue) {
    let tracks = timeline.list("tracks")
    let names = timeline.list("names")
    let categories = timeline.list("categories")
    let slices = timeline["slices"] ?? .null
    func column(_ key: String) -> [ReportValue] { slices.list(key) }
    func referred(_ key: String, to values: [ReportValue]) -> [ReportValue] {
      column(key).map { place in
        guard let index = place.numericValue.map({ Int($0) }), values.indices.contains(index)
        else { return .null }
        return values[index]
      }
    }
    func known(_ key: String) -> [ReportValue] {
      column(key).map { ($0.numericValue ?? -1) < 0 ? .null : $0 }
    }
    let lanes = referred("track", to: tracks)
    let columns: [(PageTable.Column, [ReportValue])] = [
      (.init("process", "Device"), lanes.map { $0["process"] ?? .null }),
      (.init("lane", "Lane"), lanes.map { $0["thread"] ?? .null }),
      (.init("name", "What"), referred("name", to: names)),
      (.init("category", "Kind"), referred("category", to: categories)),
      (.init("start_ns", "Start", .number, unit: "ns"), column("start")),
      (.init("end_ns", "End", .number, unit: "ns"), column("end")),
      (.init("layer", "Layer", .number), known("layer")),
      (.init("expert", "Expert", .number), known("expert")),
    ]
    self.init(
      PageTable(
        title: nil, columns: columns.map(\.0),
        rows: column("start").indices.map { row in
          columns.map { $0.1.indices.contains(row) ? $0.1[row] : .null }
        }))
  }
}
