// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Records
import Testing

@testable import Reports

/// Notebooks of pages, before they are executed; scripts/test-notebooks executes them.
@Suite struct NotebookTests {
  private static let points: [ReportValue] = [
    ["name": "a", "x": 0.1, "y": 2, "label": "first, with \"quotes\""],
    ["name": "4", "x": .null, "y": 3.25, "label": ""],
    ["name": "NA", "x": 1e-9, "y": -1, "label": "last"],
  ]

  private static func chart(_ id: String = "curve", _ rows: [ReportValue] = points) -> Chart {
    Chart(
      id: id, title: "A curve", description: "What is seen.",
      spec: VegaLite.spec(
        rows,
        [
          "layer": [
            [
              "data": ["values": [["zero": 0]]], "mark": "rule",
              "encoding": ["y": ["field": "zero", "type": "quantitative"]],
            ],
            [
              "mark": "point",
              "encoding": ["x": VegaLite.number("x", "X"), "y": VegaLite.number("y", "Y (ms)")],
            ],
          ]
        ]))
  }

  private static let table = PageTable(
    title: "All_of them",
    columns: [
      .init("policy", "Policy"), .init("rate.mean", "Rate", .number, unit: "1/s", digits: 2),
      .init("source", "Source", .link),
    ],
    rows: [
      ["lru", 1.5, ["text": "paper", "url": "https://example.org/1"]],
      ["lfu", 0.25, .null], ["none", 3, .null],
    ])

  private static var document: PageDocument {
    PageDocument(
      kind: .comparison, title: "A | title", subtitle: "below",
      sections: [
        PageSection(
          "one", "One", text: ["Costs $1 < $2."],
          [
            .notices(id: "notices", ["UNSTABLE: more arrive than leave"]), .chart(chart()),
            .table(id: "all", table), .code(id: "yaml", text: "a: 1\n", language: "yaml"),
          ]),
        PageSection("two", "Two", [.facts(id: "facts", [("Model", "m", nil)])]),
      ])
  }

  private static func fields(_ line: Substring) -> [Substring] {
    line.split(separator: ",", omittingEmptySubsequences: false)
  }

  @Test func `A notebook has the keys of nbformat 4_5 and the same bytes each time`() throws {
    let made = NotebookMaker(Self.document, folder: "x-data")
    #expect(made.notebook.text == NotebookMaker(Self.document, folder: "x-data").notebook.text)
    let read = try ReportValue(json: Data(made.notebook.text.utf8))
    #expect(read["nbformat"] == 4 && read["nbformat_minor"] == 5)
    #expect(read.text("metadata.kernelspec.name") == "python3")
    let cells = read.list("cells")
    let names = cells.compactMap { $0.text("id") }
    #expect(names.count == cells.count && Set(names).count == names.count)
    for name in names {
      #expect(name.wholeMatch(of: /[a-zA-Z0-9_-]{1,64}/) != nil, "\(name)")
    }
    for cell in cells {
      let isCode = cell.text("cell_type") == "code"
      #expect((cell["outputs"] != nil) == isCode && (cell["execution_count"] != nil) == isCode)
      #expect(isCode || cell.text("cell_type") == "markdown")
      #expect(!cell.list("source").isEmpty && cell["metadata"] != nil)
    }
    #expect(names.first == "title" && names.contains("curve-chart") && names.contains("all-data"))
    #expect(names.suffix(3) == ["going-on", "going-on-filter", "going-on-plot"])
  }

  @Test func `Names of cells that nbformat refuses or that are taken are changed`() {
    var notebook = NotebookDocument()
    for _ in 0..<3 {
      notebook.append(.code, id: "a.b c/é" + String(repeating: "x", count: 80), "1\n2")
    }
    let names = notebook.cells.map(\.id)
    #expect(Set(names).count == 3 && names.allSatisfy { $0.count <= 64 && $0.hasPrefix("a-b-c--") })
    #expect(notebook.cells[0].value["source"] == ["1\n", "2"])
  }

  @Test func `The values of a chart's file are those of the page`() throws {
    let chart = Self.chart()
    let shown = NotebookChart(chart)
    #expect(shown.files.map(\.name) == ["curve"])
    let table = shown.files[0].table
    #expect(
      table.text
        == "name,x,y,label\na,0.1,2,\"first, with \"\"quotes\"\"\"\n4,,3.25,\nNA,0.000000001,-1,last\n"
    )
    #expect(table.columns.map(\.kind) == [.string, .number, .number, .verbatim])
    for (row, value) in zip(table.rows, Self.points) {
      #expect(row == table.columns.map { value[$0.key] ?? .null })
    }
  }

  @Test func `A chart's specification is the exported one but for its data`() throws {
    let chart = Self.chart()
    let own = NotebookChart(chart).spec
    var exported = chart.standalone()
    #expect(
      own["data"] == [
        "url": "curve.csv",
        "format": [
          "type": "csv",
          "parse": ["name": "string", "x": "number", "y": "number", "label": .null],
        ],
      ])
    exported.set("data", to: own["data"] ?? .null)
    #expect(own == exported)
    // What the page shows is in it, key for key.
    for case .object(let members) in [chart.spec] {
      for member in members where member.key != "data" && member.key != "width" {
        #expect(own[member.key] == member.value, "\(member.key)")
      }
    }
  }

  @Test func `Data that CSV would change stay in the specification`() {
    for odd in [["a": [1, 2]], ["a": "text"]] as [ReportValue] {
      let chart = Self.chart("odd", [["a": 1, "b": 1], odd])
      let shown = NotebookChart(chart)
      #expect(shown.files.isEmpty)
      #expect(shown.spec == chart.standalone())
    }
  }

  @Test func `A table keeps its numbers, and addresses have a column`() throws {
    let table = NotebookTable(Self.table)
    #expect(
      table.text
        == "policy,rate.mean,source,source_url\nlru,1.5,paper,https://example.org/1\n"
        + "lfu,0.25,,\nnone,3,,\n")
    #expect(table.texts == ["policy", "source", "source_url"])
    let code = NotebookPython.show("all", table)
    #expect(code.hasPrefix(#"all = read("all", texts=["policy", "source", "source_url"])"#))
    #expect(code.contains(#""rate.mean": "Rate (1/s)","#))
  }

  @Test func `Text is no markup, and each file that a cell reads is written`() throws {
    let made = NotebookMaker(Self.document, folder: "x-data")
    let prose = made.notebook.cells.filter { $0.kind == .markdown }.map(\.source).joined()
    #expect(prose.contains(#"# A \| title"#) && prose.contains(#"Costs \$1 &lt; \$2."#))
    #expect(prose.contains("UNSTABLE") && prose.contains("~~~~yaml\na: 1\n~~~~"))
    #expect(prose.contains(#"All\_of them"#) && prose.contains("Rate [1/s]"))
    let files = Set(made.files.map(\.name))
    #expect(files == ["curve.csv", "curve.vl.json", "all.csv"])
    for cell in made.notebook.cells where cell.kind == .code {
      for match in cell.source.matches(of: /(?:^|= )(read|chart)\("([^"]+)"/) {
        let ending = match.1 == "read" ? ".csv" : ".vl.json"
        #expect(files.contains(match.2 + ending), "\(match.0)")
      }
    }
  }

  @Test func `A notebook is written with its data, whole or not at all`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "moesim-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "deep/n.ipynb").path
    try NotebookWriter.write(Self.document, to: path)
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    #expect(
      names == [
        "deep", "deep/n-data", "deep/n-data/all.csv", "deep/n-data/curve.csv",
        "deep/n-data/curve.vl.json", "deep/n.ipynb",
      ])
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text == NotebookMaker(Self.document, folder: "n-data").notebook.text)
    #expect(throws: WriteFailure.self) {
      try NotebookWriter.write(Self.document, to: path + "/under-a-file.ipynb")
    }
  }

  @Test func `A timeline's slices name their lanes`() {
    let table = NotebookTable(
      timeline: [
        "tracks": [["process": "gpu0", "thread": "compute"]], "names": ["attention"],
        "categories": ["kernel"],
        "slices": [
          "track": [0], "name": [0], "category": [0], "start": [5], "end": [9], "layer": [3],
          "expert": [-1],
        ],
      ])
    #expect(
      table.text == "process,lane,name,category,start_ns,end_ns,layer,expert\n"
        + "gpu0,compute,attention,kernel,5,9,3,\n")
  }
}
