// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Reports
@testable import Serving

@Suite("CSV and Markdown")
struct CSVRendererTests {
  /// Reads RFC 4180, written apart from the writer.
  private func parse(_ text: String) -> [[String]] {
    var rows: [[String]] = []
    var row: [String] = []
    var field = ""
    var isQuoted = false
    var characters = Array(text)[...]
    while let character = characters.popFirst() {
      switch (character, isQuoted) {
      case ("\"", true) where characters.first == "\"":
        field.append("\"")
        characters.removeFirst()
      case ("\"", _): isQuoted.toggle()
      case (",", false):
        row.append(field)
        field = ""
      case ("\n", false):
        rows.append(row + [field])
        row = []
        field = ""
      default: field.append(character)
      }
    }
    return rows
  }

  private func table(_ results: [SimulationResult]) throws -> [[String: String]] {
    let rows = parse(CSVRenderer().render(results))
    let header = try #require(rows.first)
    #expect(Set(header).count == header.count)
    return rows.dropFirst().map { row in
      #expect(row.count == header.count)
      return Dictionary(uniqueKeysWithValues: zip(header, row))
    }
  }

  @Test("has the figures of the JSON under their dotted keys")
  func figures() throws {
    let row = try #require(try table([.sample()]).first)
    #expect(row["tpot_ms.p99"] == "76.8")
    #expect(row["seed"] == "1")
    #expect(row["resources.gpu0.h2d.mean_wait_ms"] == "1.25")
    #expect(row["time_ms_per_token.head"] == "0.001975")
    #expect(row["traffic.gpu0.h2d.demand.bytes"] == "35232153600")
    #expect(row["setting.precision"] == "experts int4, attention bf16, kv bf16")
    #expect(row["steady_state.stable"] == "true")
    #expect(!row.keys.contains { $0.contains(".layers.") })
    // Intervals, blocks and verifications have columns only where they were asked for.
    let parts = [
      "uncertainty", "key_value_cache", "speculation", "fleet", "moe_cap", "accuracy",
      "history",
    ]
    for key in ReportSchema.patterns
    where key != "requests.lost" && !key.contains("<")
      && !parts.contains(where: { key.hasPrefix($0 + ".") })
    {
      #expect(row[key] != nil, "\(key)")
    }
    #expect(!row.keys.contains { key in parts.contains { key.hasPrefix($0) } })
    var result = SimulationResult.sample()
    result.keyValueCache = SimulationResult.KeyValueReport()
    result.keyValueCache?.prefixHitTokens = 17
    result.speculation = SimulationResult.SpeculationReport()
    let whole = try #require(try table([result]).first)
    #expect(whole["key_value_cache.prefix_hit_tokens"] == "17")
    #expect(whole["speculation.verifications"] == "0")
  }

  @Test("keeps the columns of figures that one of the runs lacks")
  func union() throws {
    var other = SimulationResult.sample(stable: false)
    other.resources[0].name = "gpu1.compute"
    other.whatWouldHelp = nil
    other.runInfo = nil
    other.notices = ["say \"no\", twice\nor not"]
    for results in [[.sample(), other], [other, .sample()]] {
      let rows = try table(results)
      let row = try #require(rows.first { $0["steady_state.stable"] == "false" })
      let steady = try #require(rows.first { $0["steady_state.stable"] == "true" })
      #expect(row["ttft_ms.mean"] == "" && steady["ttft_ms.mean"] == "812.345679")
      #expect(row["ttft_ms"] == nil && row["run_info"] == nil && row["what_would_help"] == nil)
      #expect(row["run_info.build"] == "" && steady["run_info.build"] == "debug")
      #expect(row["resources.gpu0.compute.operations"] == "")
      #expect(row["resources.gpu1.compute.operations"] == "1234567")
      #expect(row["notices"]?.hasSuffix("say \"no\", twice\nor not") == true)
      #expect(row["omitted.ttft_ms"]?.contains("no steady state") == true)
      #expect(steady["omitted.ttft_ms"] == "")
    }
  }

  @Test("of one machine has the same columns whatever came out")
  func stableColumns() {
    let steady = CSVRenderer().render(SimulationResult.sample()).prefix { $0 != "\n" }
      .split(separator: ",").filter { !$0.hasPrefix("omitted.") }
    let unstable = CSVRenderer().render(SimulationResult.sample(stable: false))
      .prefix { $0 != "\n" }.split(separator: ",").filter { !$0.hasPrefix("omitted.") }
    #expect(steady == unstable)
  }

  @Test("Markdown tables have as many cells in every row as in their header")
  func markdown() {
    var result = SimulationResult.sample()
    result.setting.policy = "a|b *c*"
    result.notices.append("one\ntwo")
    for results in [[result], [result, .sample()]] {
      let lines = MarkdownRenderer().render(results)
        .split(separator: "\n", omittingEmptySubsequences: false)
      var cells: Int?
      for line in lines {
        guard line.hasPrefix("|") else {
          cells = nil
          continue
        }
        let count = line.replacing("\\|", with: "").filter { $0 == "|" }.count
        #expect(cells == nil || cells == count, "\(line)")
        cells = count
      }
      #expect(lines.contains { $0.contains("a\\|b \\*c\\*") })
      #expect(lines.contains { $0.hasPrefix("- ") && $0.hasSuffix("one two") })
      #expect(lines.first?.hasPrefix("# ") == true)
    }
  }
}
