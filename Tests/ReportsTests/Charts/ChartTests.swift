// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Records
import TestSupport
import Testing

@testable import Reports

@Suite("Charts of reports")
struct ChartTests {
  /// The data that stand in a specification, in all its layers.
  private func rows(_ spec: ReportValue) -> [ReportValue] {
    spec.list("data.values") + spec.list("layer").flatMap { rows($0) }
  }

  private func chart(_ id: String, of document: PageDocument) throws -> Chart {
    try #require(document.charts.first { $0.id == id }, "no chart \(id)")
  }

  @Test("are Vega-Lite specifications with data of their own, described, each id once")
  func specifications() throws {
    for (name, document) in try PageFixtures.documents() {
      #expect(!document.charts.isEmpty, "\(name)")
      let ids = document.charts.map(\.id)
      #expect(Set(ids).count == ids.count, "\(name): \(ids)")
      for chart in document.charts {
        let text = JSONText.text(of: chart.spec)
        let spec = try ReportValue(json: Data(text.utf8))
        #expect(spec.text("$schema")?.hasSuffix("vega-lite/v6.json") == true)
        #expect(spec.text("description") == chart.description && !chart.description.isEmpty)
        #expect(spec.at("mark") != nil || !spec.list("layer").isEmpty, "\(name) \(chart.id)")
        #expect(!rows(spec).isEmpty, "\(name) \(chart.id)")
        #expect(!text.contains("\"url\": \"http") || chart.id.hasPrefix("published"))
        #expect(chart.standalone().at("width") != .text("container"))
      }
    }
  }

  @Test("are the same bytes each time")
  func determinism() throws {
    let first = try PageFixtures.documents().map { PageAssembler.inlined($0.document.value) }
    let second = try PageFixtures.documents().map { PageAssembler.inlined($0.document.value) }
    #expect(first == second)
  }

  @Test("hold the figures of the report")
  func figures() throws {
    let run = try PageFixtures.run()
    let document = RunPage(run).document
    let parts = rows(try chart("time-per-token", of: document).spec)
    let drawn = parts.reduce(0) { $0 + ($1.number("ms") ?? 0) }
    let stalls = run.members("stall_ms_per_token").reduce(0) { $0 + ($1.value.numericValue ?? 0) }
    let computed = run.list("time_ms_per_token").reduce(0) { $0 + ($1.number("value") ?? 0) }
    #expect(abs(drawn - stalls - computed) < 1e-9 && stalls > 0)

    let layers = rows(try chart("hit-rate-by-layer", of: document).spec)
    #expect(layers.compactMap { $0.number("rate") } == [0.62, 0.58])
    for resource in rows(try chart("utilisation", of: document).spec) {
      let name = try #require(resource.text("resource"))
      let entry = run.list("resources").first { $0.text("name") == name }
      #expect(entry?.number("utilization") == resource.number("share"), "\(name)")
    }
    let percentiles = rows(try chart("latency", of: document).spec)
    let p99 = percentiles.first {
      $0.text("statistic") == "99th percentile" && $0.text("figure")?.contains("TPOT") == true
    }
    #expect(p99?.number("ms") == run.number("tpot_ms.p99"))
  }

  @Test("draw a run's history where it has one, and distributions in place of percentiles")
  func history() throws {
    let document = RunPage(try PageFixtures.run(hasHistory: true)).document
    let heat = rows(try chart("utilisation-over-time", of: document).spec)
    #expect(heat.count == 8)
    #expect(heat.first?.number("from") == 10 && heat.first?.number("to") == 20)
    let levels = rows(try chart("levels-over-time", of: document).spec)
    #expect(
      Set(levels.compactMap { $0.text("series") }) == ["waiting requests", "running sequences"])
    // A window without accesses has no hit rate.
    let shares = rows(try chart("shares-over-time", of: document).spec)
    #expect(shares.count { $0.text("series") == "hit rate" } == 3)
    let curve = rows(try chart("latency", of: document).spec)
    // Of the queueing times the two of 0 have no place on a logarithmic axis.
    #expect(curve.count == 10)
    #expect(
      !RunPage(try PageFixtures.run()).document.charts.contains { $0.id.hasSuffix("over-time") })
  }

  @Test("of a comparison show differences with their intervals, ceilings and causes")
  func comparison() throws {
    let document = ComparisonPage(comparison: PageFixtures.comparison).document
    let difference = try #require(
      rows(try chart("difference-tpot-ms", of: document).spec).first { $0.text("policy") == "lfu" })
    #expect(difference.number("mean") == -3.5 && difference.number("high") == 2.85)
    let ceilings = rows(try chart("ceilings", of: document).spec)
    #expect(ceilings.count == 4)
    let stalls = rows(try chart("stalls", of: document).spec)
    #expect(Set(stalls.compactMap { $0.text("part") }) == ["demand load", "late prefetch"])
  }

  @Test("of a plan name parts, limits and loads")
  func plan() throws {
    let document = PlanPage(plan: PageFixtures.plan).document
    #expect(rows(try chart("bills", of: document).spec).count == 4)
    let headroom = rows(try chart("headroom", of: document).spec).filter { $0["load"] != nil }
    let shares = headroom.compactMap { $0.number("share") }
    #expect(shares == [0.975, 1.95, 1.5, 3])
    let front = rows(try chart("front", of: document).spec).compactMap { $0.text("state") }
    #expect(front.contains("on the front") && front.contains("misses a limit"))
  }

  @Test("of a validation lead to their sources, values apart from ratios")
  func validation() throws {
    let document = ValidationPage(validation: PageFixtures.validation).document
    let values = rows(try chart("published-values", of: document).spec).filter { $0["case"] != nil }
    #expect(values.map { $0.text("state") } == ["within tolerance", "beyond tolerance"])
    #expect(values.allSatisfy { $0.text("url") == "https://arxiv.org/abs/2404.05567" })
    let ratios = rows(try chart("published-ratios", of: document).spec).filter { $0["case"] != nil }
    #expect(ratios.map { $0.text("state") } == ["not counted"])
  }

  @Test("of a study join no names by lines, and average no point without a steady state")
  func study() throws {
    guard case .sweep(let table)? = try ReportInput.recognise(PageFixtures.listing, path: "x")
    else {
      Issue.record("no study")
      return
    }
    #expect(table.axes == ["cache.experts"])
    #expect(table.points.map(\.status) == ["ok", "ok", "unstable"])
    let place = try #require(table.place("tpot_ms.mean"))
    #expect(table.points.map { $0.estimates[place]?.mean } == [40.5, 30.5, nil])
    let (x, y) = try #require(SweepCharts.scatterFigures(of: table))
    #expect(SweepCharts.front(of: table, x, y) == [1])
    let curve = try #require(SweepCharts.curves(of: table).first)
    #expect(rows(curve.spec).compactMap { $0.number("x") } == [25, 50])
  }

  @Test("read numbers with units from labels")
  func labels() {
    #expect(AxisNumber("25%").value == 25 && AxisNumber("25%").unit == "%")
    #expect(AxisNumber("8 GiB").value == 8 && AxisNumber("8 GiB").unit == "GiB")
    #expect(AxisNumber("lru").value == nil)
  }

  @Test("have ticks at decades, and between them where there are few")
  func ticks() {
    #expect(VegaLite.logarithmicTicks(0.05, 5000) == [0.1, 1, 10, 100, 1000])
    #expect(VegaLite.logarithmicTicks(8, 60) == [10, 15, 20, 30, 50])
    #expect(VegaLite.logarithmicTicks(0, 10).isEmpty)
  }

  @Test("break names into lines")
  func brokenNames() {
    #expect(VegaLite.lines(of: "gpu0.compute") == ["gpu0.compute"])
    #expect(
      VegaLite.lines(of: "№ 9: rtx-3060-desktop | lru | none")
        == ["№ 9: rtx-3060-desktop,", "lru, none"])
  }

  @Test("find addresses in the words of sources")
  func links() {
    #expect(PageLink("MoE-CAP, arXiv 2412.07067").url == "https://arxiv.org/abs/2412.07067")
    #expect(PageLink("Song; github.com/huwf5/promoe.").url == "https://github.com/huwf5/promoe")
    #expect(PageLink("see https://a.example/b, page 3").url == "https://a.example/b")
    #expect(PageLink("assumption: list price").url == nil)
    #expect(PageLink("arXiv of 2024").url == nil)
  }

  static let folders = [
    Checkout.root.appending(path: PageAssembler.folderName).path
  ]
  static let renderer = ChartRenderer(folders: folders)

  @Test(
    "are drawn by vl-convert, every one of them",
    .enabled(if: ChartTests.renderer.isInstalled, "vl-convert is not there: run 'make charts'"))
  func drawing() throws {
    // Starting a renderer takes most of a second; charts of one kind are drawn once.
    var drawn: Set<String> = []
    for (name, document) in try PageFixtures.documents().reversed() {
      for chart in document.charts where drawn.insert(chart.id).inserted {
        let picture = try Self.renderer.render(chart, as: .svg)
        let text = String(decoding: picture, as: UTF8.self)
        #expect(text.hasPrefix("<svg") && text.contains("</svg>"), "\(name) \(chart.id)")
        #expect(!text.contains("NaN"), "\(name) \(chart.id)")
      }
    }
    let (_, document) = try PageFixtures.documents()[0]
    let picture = try Self.renderer.render(document.charts[0], as: .png)
    #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]))
  }

  @Test("ask for 'make charts' where there is no renderer, and need none as specifications")
  func missingRenderer() throws {
    let chart = RunPage(try PageFixtures.run()).document.charts[0]
    let renderer = ChartRenderer(folders: ["/nowhere/report-page"], environment: [:])
    let error = #expect(throws: ChartRenderer.Problem.self) { try renderer.render(chart, as: .svg) }
    #expect(error?.message == "charts need vl-convert: run 'make charts' in /nowhere")
    let data = try renderer.render(chart, as: .vegaLite)
    #expect(try ReportValue(json: data).text("title.text") == chart.title)
    #expect(ChartRenderer.Format(path: "a.vl.json") == .vegaLite)
    #expect(ChartRenderer.Format(path: "a.json") == nil)
  }
}
