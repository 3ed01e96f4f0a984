// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
@testable import Records
import Testing

@testable import Reports
@testable import Serving

@Suite("Tables")
struct TableRendererTests {
  private func lines(_ results: [SimulationResult], _ style: ReportStyle) -> [String] {
    TableRenderer(style: style).render(results)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  @Test("are never wider than the terminal", arguments: [40, 50, 60, 72, 80, 100, 132, 200])
  func width(width: Int) {
    for unicode in [false, true] {
      let style = ReportStyle(width: width, usesUnicode: unicode)
      for results in [
        [SimulationResult.sample()], [.sample(stable: false)],
        [.sample(), .sample(policy: "lfu"), .sample(stable: false, policy: "belady", seed: 2)],
      ] {
        for line in lines(results, style) { #expect(line.count <= width, "\(line)") }
      }
    }
  }

  @Test("break long texts over lines and lose none of them", arguments: [40, 60, 300])
  func wrapping(width: Int) {
    var table = TextTable(columns: [
      .init("name"), .init("bytes", isNumeric: true), .init("summary"),
    ])
    let words = (0..<30).map { "word\($0)" }
    table.append(["a", "1234567", words.joined(separator: " ")])
    table.append(["b", "7", "short"])
    let lines = table.lines(style: ReportStyle(width: width))
    #expect(lines.allSatisfy { $0.count <= width && !$0.contains("~") })
    let shown = lines.joined(separator: " ").split(separator: " ").map(String.init)
    #expect(shown.filter { $0.hasPrefix("word") } == words)
    #expect(shown.contains("1234567") && (width < 300 || lines.count == 3))
  }

  @Test("leave out whole columns before numbers are cut, and say which", arguments: 30...90)
  func omissions(width: Int) {
    var table = TextTable(columns: [
      .init("policy"), .init("tok/s", isNumeric: true),
      .init("TTFT ms", isNumeric: true, dropOrder: 1),
      .init("TPOT ms", isNumeric: true, dropOrder: 2), .init("note", breaksAt: 10),
    ])
    table.append(["lru", "55.96 ± 0.84", "27.18 ± 1.11", "10.76 ± 0.00", "a note of many words"])
    let style = ReportStyle(width: width)
    let (text, omitted) = (
      table.lines(style: style).joined(separator: "\n"), table.omitted(style: style)
    )
    #expect(!text.contains("~"))
    for column in table.columns {
      #expect(text.contains(column.title) != omitted.contains(column.title))
    }
    #expect(omitted == ["TTFT ms", "TPOT ms"].suffix(omitted.count))
    #expect(omitted.isEmpty == (width >= 6 + 5 * 2 + 3 * 12 + 10 - 2))
  }

  @Test("answer in the order of the questions")
  func order() throws {
    let text = TableRenderer().render(SimulationResult.sample())
    let titles = [
      "How fast", "Where did the time go", "Hits and traffic", "Memory", "Cost and energy",
      "What would help", "Notices",
    ]
    let places = try titles.map { try #require(text.range(of: $0), "\($0)").lowerBound }
    #expect(places == places.sorted())
  }

  @Test(
    "use the words of serving benchmarks",
    arguments: [
      "Successful requests", "Benchmark duration (s)", "Total input tokens",
      "Total generated tokens", "Request throughput (req/s)", "Request goodput (req/s)",
      "Output token throughput (tok/s)", "(TTFT)", "(TPOT)", "(ITL)", "(E2EL)", "Latency (ms)",
    ])
  func words(word: String) {
    #expect(TableRenderer().render(SimulationResult.sample()).contains(word))
  }

  @Test("show the parts of the time with their shares")
  func timeShares() throws {
    let lines = lines([.sample()], ReportStyle())
    // 3.5 + 0.25 + 18 + 0.001975 + 14.25 + 1.5 = 37.501975 ms.
    #expect(lines.contains { $0.contains("37.50 ms per output token, of which 42.0 % stalled") })
    let demand = try #require(lines.first { $0.contains("stall: demand load") })
    #expect(demand.contains("14.25") && demand.contains("38.0 %") && demand.hasSuffix("#"))
    let experts = try #require(lines.first { $0.hasPrefix("  experts  ") })
    #expect(experts.contains("48.0 %"))
    #expect(experts.filter { $0 == "#" }.count > demand.filter { $0 == "#" }.count)
    #expect(!lines.contains { $0.contains("stall: drive") })
  }

  @Test("have colours only where they're wanted")
  func colours() {
    let plain = TableRenderer(style: ReportStyle()).render(SimulationResult.sample(stable: false))
    #expect(!plain.contains("\u{1B}"))
    #expect(plain.unicodeScalars.filter { $0.value > 126 }.allSatisfy { $0 == "→" })
    let style = ReportStyle(usesColor: true, usesUnicode: true)
    let colored = TableRenderer(style: style).render(SimulationResult.sample(stable: false))
    #expect(colored.contains("\u{1B}[1;31m!! UNSTABLE"))
    #expect(colored.contains("█"))
  }

  @Test(
    "say loudly that a run has no steady state, in every format", arguments: ReportFormat.allCases)
  func unstable(format: ReportFormat) {
    let text = format.renderer().render(SimulationResult.sample(stable: false))
    #expect(text.contains("UNSTABLE"))
    #expect(text.contains("from 3 to 412"))
    #expect(!text.contains("812.3") && !text.contains("9600.25") && !text.contains("9,600.25"))
    #expect(text.contains("saturat"))
    let steady = format.renderer().render(SimulationResult.sample())
    #expect(!steady.contains("UNSTABLE"))
  }

  @Test("say why a run has no steady state once, though the engine lists it too")
  func reasonOnce() {
    var result = SimulationResult.sample(stable: false)
    result.notices.insert(result.steadyState.reason, at: 0)
    let text = TableRenderer(style: ReportStyle(width: 1_000)).render(result)
    #expect(text.components(separatedBy: "from 3 to 412").count == 2)
  }

  @Test("of several runs show what differs, a row for each")
  func comparison() throws {
    let runs = [
      SimulationResult.sample(), .sample(policy: "lfu"), .sample(stable: false, policy: "belady"),
    ]
    let lines = lines(runs, ReportStyle(width: 120))
    let header = try #require(lines.first { $0.contains("Run") && $0.contains("TPOT ms") })
    #expect(header.contains("Policy") && !header.contains("Machine"))
    for policy in ["lru", "lfu", "belady"] {
      #expect(lines.filter { $0.contains(policy) && $0.contains("379.07") }.count == 1)
    }
    #expect(lines.contains { $0.contains("1 of 3 runs have no steady state (3)") })
    let trace = lines.filter { $0.contains("was wrapped") }
    #expect(trace.count == 1)
  }

  @Test(
    "follow NO_COLOR, TERM, COLUMNS and the locale",
    arguments: [
      (true, ["LANG": "en_US.UTF-8"], ReportStyle(width: 97, usesColor: true, usesUnicode: true)),
      (true, ["NO_COLOR": "1"], ReportStyle(width: 97)),
      (true, ["NO_COLOR": ""], ReportStyle(width: 97, usesColor: true)),
      (true, ["TERM": "dumb", "LANG": "C.UTF-8"], ReportStyle(width: 97)),
      (true, ["COLUMNS": "60"], ReportStyle(width: 60, usesColor: true)),
      (true, ["COLUMNS": "wide"], ReportStyle(width: 97, usesColor: true)),
      (false, ["LANG": "C.UTF-8"], ReportStyle(width: 80, usesUnicode: true)),
      (false, ["LANG": "C.UTF-8", "LC_ALL": "C"], ReportStyle(width: 80)),
    ])
  func detection(isTerminal: Bool, environment: [String: String], style: ReportStyle) {
    let resolved = ReportStyle.resolved(
      isTerminal: isTerminal, terminalWidth: isTerminal ? 97 : nil, environment: environment)
    #expect(resolved == style)
  }

  @Test(
    "print figures as people read them",
    arguments: [
      (0, "0.00"), (0.1, "0.10"), (38.4, "38.40"), (12_345.678, "12,345.68"),
      (0.00012345, "0.000123"), (-1_234.5, "-1,234.50"), (0.05, "0.0500"),
    ] as [(Double, String)])
  func figures(value: Double, text: String) {
    #expect(FigureText.number(value) == text)
  }
}
