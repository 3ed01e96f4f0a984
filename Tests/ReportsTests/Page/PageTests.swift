// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Records
import Studies
import Testing

@testable import Reports

@Suite("Pages of reports")
struct PageTests {
  private static let template = """
    <title><!--moesim:title--></title><style>/*moesim:style*/</style>
    <script type="application/json" id="moesim-document">/*moesim:document*/</script>
    <script>/*moesim:bundle*/</script><script>/*moesim:script*/</script>
    """

  private func assembler(_ template: String = template, script: String = "draw()") -> PageAssembler
  {
    PageAssembler(template: template, style: "p {}", bundle: "var vega;", script: script)
  }

  @Test("hold the document whole, and no text of it ends an element")
  func document() throws {
    let document = ComparisonPage(comparison: PageFixtures.comparison).document
    let page = try assembler().page(document)
    let start = try #require(page.range(of: "id=\"moesim-document\">"))
    let end = try #require(page[start.upperBound...].range(of: "</script>"))
    let text = page[start.upperBound..<end.lowerBound]
    #expect(!text.contains("<") && text.contains("watch \\u003c/script>"))
    let read = try ReportValue(json: Data(text.utf8))
    #expect(read.text("kind") == "comparison" && read.number("document_version") == 1)
    #expect(read.text("title") == "Policies on quick<start>")
    #expect(page.contains("<title>Policies on quick&lt;start&gt;</title>"))
    let written = try ReportValue(json: Data(JSONText.text(of: document.value).utf8))
    #expect(read == written)
  }

  @Test("hold scripts that mention the end of a script, and texts that mention markers")
  func scripts() throws {
    let document = RunPage(try PageFixtures.run()).document
    let page = try assembler(script: "a = '</SCRIPT>'; /*moesim:style*/").page(document)
    #expect(page.contains("a = '<\\/SCRIPT>'; /*moesim:style*/</script>"))
    #expect(page.ranges(of: "p {}").count == 1)
  }

  @Test("need every marker of the template once")
  func markers() throws {
    let document = RunPage(try PageFixtures.run()).document
    for template in [
      Self.template.replacing("/*moesim:bundle*/", with: ""), Self.template + "/*moesim:style*/",
    ] {
      let error = #expect(throws: PageAssembler.Problem.self) {
        try assembler(template).page(document)
      }
      #expect(error?.message.contains("marker") == true)
    }
  }

  @Test("need their files: a missing bundle is told with the command that makes it")
  func missingFiles() throws {
    let folder = try TemporaryFolder()
    let own = folder.path("")
    let none = #expect(throws: PageAssembler.Problem.self) { try PageAssembler(folders: [own]) }
    #expect(none?.message.contains("page.html was not found") == true)
    try Self.template.write(toFile: folder.path("page.html"), atomically: true, encoding: .utf8)
    let bundle = #expect(throws: PageAssembler.Problem.self) { try PageAssembler(folders: [own]) }
    #expect(bundle?.message.contains("run 'make charts'") == true)
    for name in ["page.css", "vega-bundle.js", "20-b.js", "10-a.js"] {
      try name.write(toFile: folder.path(name), atomically: true, encoding: .utf8)
    }
    let page = try PageAssembler(folders: [own]).page(RunPage(try PageFixtures.run()).document)
    #expect(page.contains("<script>10-a.js\n20-b.js</script>"))
  }

  @Test("state the report's own figures in their headline")
  func headline() throws {
    let run = try PageFixtures.run()
    let figures = HeadlineFigures.of(run)
    #expect(figures.count >= 6)
    for figure in figures { #expect(figure.value == run.number(figure.key), "\(figure.key)") }
    // Without a steady state, waits are left out with the reason.
    let unstable = HeadlineFigures.of(try PageFixtures.run(stable: false))
    let ttft = try #require(unstable.first { $0.key == "ttft_ms.mean" })
    #expect(ttft.value == nil && ttft.note?.contains("no steady state") == true)
  }

  @Test("give means over replications with Student's interval")
  func replications() throws {
    var other = try PageFixtures.run(replication: 1)
    var tpot = try #require(other.at("tpot_ms"))
    let first = try #require(tpot.number("mean"))
    tpot.set("mean", to: .number(first + 2))
    other.set("tpot_ms", to: tpot)
    let page = RunsPage([try PageFixtures.run(), other], names: [])
    #expect(page.runs.map(\.name) == ["replication 0", "replication 1"])
    let figure = try #require(
      HeadlineFigures.of(replications: page.runs.map(\.run)).first { $0.key == "tpot_ms.mean" })
    #expect(figure.value == first + 1)
    // The quantile of one degree of freedom is 12.706; s / √2 is 1.
    #expect(figure.interval?.contains(FigureText.number(first + 1 + 12.7062)) == true)
  }

  @Test("have blocks whose ids are unique, and rows as long as their columns")
  func blocks() throws {
    for (name, document) in try PageFixtures.documents() {
      let blocks = document.value.list("sections").flatMap { $0.list("blocks") }
      let ids = blocks.compactMap { $0.text("id") }
      #expect(ids.count == blocks.count && Set(ids).count == ids.count, "\(name): \(ids)")
      for block in blocks where block.text("type") == "table" {
        let columns = block.list("columns").count
        #expect(block.list("rows").allSatisfy { $0.elements.count == columns }, "\(name)")
      }
    }
  }
}

@Suite("Files that pages are made of")
struct ReportInputTests {
  private func read(_ text: String) throws -> ReportInput {
    let folder = try TemporaryFolder()
    let path = folder.path("input.json")
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return try ReportInput.read(path: path)
  }

  private func message(_ text: String) -> String? {
    do {
      _ = try read(text)
      return nil
    } catch { return "\(error)" }
  }

  @Test("are recognised by what they hold")
  func kinds() throws {
    let run = JSONText.text(of: try PageFixtures.run(), layout: .compact)
    guard case .runs(let one) = try read(run), case .runs(let two) = try read("\(run)\n\(run)\n")
    else {
      Issue.record("no runs")
      return
    }
    #expect(one.count == 1 && two.count == 2)
    guard case .plan = try read(JSONText.text(of: PageFixtures.plan)),
      case .comparison = try read(JSONText.text(of: PageFixtures.comparison)),
      case .validation = try read(JSONText.text(of: PageFixtures.validation)),
      case .sweep = try read(JSONText.text(of: PageFixtures.listing)),
      case .observation = try read(JSONText.text(of: PageFixtures.observation))
    else {
      Issue.record("a kind is not recognised")
      return
    }
  }

  @Test("are refused with what was found and what would be right")
  func others() throws {
    let other = try #require(message("{\"traceEvents\": [], \"otherData\": {}}"))
    #expect(other.contains("'otherData', 'traceEvents'") && other.contains("simulate, compare"))
    #expect(message("not JSON")?.contains("holds no JSON") == true)
    #expect(message("[]")?.contains("empty list") == true)
    #expect(message("3")?.contains("a single value") == true)
    var run = try PageFixtures.run()
    run.set("schema_version", to: "2.0")
    #expect(message(JSONText.text(of: run))?.contains("reads 1.x") == true)
    #expect(throws: MissingFile.self) { try ReportInput.read(path: "/nowhere/run.json") }
    #expect(throws: ReportInput.Problem.self) { try ReportInput.read(path: "/") }
    #expect(throws: ResultStore.Problem.self) { try read("SQLite format 3 and no more") }
  }
}
