// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Foundation
import Serving
import TestSupport
import Testing
import Workload

@testable import Reports

@Suite("Reports of observations")
struct ObservationRendererTests {
  /// A report in which every figure is 1 and every optional is there, with the numbers set anew.
  private static func report() throws -> ObservationReport {
    var report = try ObservationReport(from: SampleDecoder(codingPath: []))
    report.ttftMs?.mean = ComparedNumber(measured: 1000, simulated: 880)
    report.tpotMs?.mean = ComparedNumber(measured: 50, simulated: 51)
    report.e2elMs?.mean = ComparedNumber(measured: 3000, simulated: 3030)
    report.requestsPerSecond = ComparedNumber(measured: 4, simulated: 4)
    report.itlMs = nil
    report.notices = ["a | notice"]
    return report
  }

  @Test("judge by the default limits, or by those asked for")
  func verdict() throws {
    let document = try ObservationDocument(Self.report())
    #expect(document.verdict.rule == "default" && !document.verdict.kept)
    #expect(document.verdict.limits.map(\.kept) == [false, true, true, true])
    #expect(document.verdict.limits[0].found == 0.12)
    #expect(document.verdict.limits[0].message.contains("found ttft_ms.mean.error = 0.12"))
    let wanted = try RequireLimit(parsing: "ttft_ms.mean.error<=15%", keys: .observation)
    let asked = try ObservationDocument(Self.report(), limits: [wanted])
    #expect(asked.verdict.rule == "required" && asked.verdict.kept)
    #expect(asked.verdict.limits.count == 1)
    let absent = try RequireLimit(parsing: "itl_ms.mean.error<=15%", keys: .observation)
    let missed = try ObservationDocument(Self.report(), limits: [absent])
    #expect(!missed.verdict.kept)
    #expect(missed.verdict.limits[0].message.contains("found no itl_ms"))
  }

  @Test("know their keys")
  func keys() throws {
    #expect(throws: RequireLimitError.self) {
      _ = try RequireLimit(parsing: "ttft_ms.mean.eror<=15%", keys: .observation)
    }
    #expect(LimitSchema.observationKeys.contains("ttft_ms.p99.bias"))
    #expect(!LimitSchema.observationKeys.contains("cost.usd_per_million_output_tokens"))
  }

  @Test("have an entry in the documentation for every key")
  func documented() throws {
    let text = try String(
      contentsOf: Checkout.root.appending(path: "docs/observe.md"), encoding: .utf8)
    for key in LimitSchema.observationKeys where !key.hasPrefix("setting.") {
      // The five figures have the same keys, and their five statistics.
      var name = key
      for figure in ObservedFigure.allCases {
        name = name.replacing("\(figure.rawValue).", with: "<figure>.")
      }
      for statistic in ["mean", "p50", "p90", "p95", "p99"] {
        name = name.replacing(".\(statistic).", with: ".<statistic>.")
      }
      if name.hasPrefix("run_info.") { name = "run_info" }
      #expect(text.contains("`\(name)`"), "\(name)")
    }
  }

  @Test("agree in all formats", arguments: ReportFormat.allCases)
  func formats(format: ReportFormat) throws {
    let sample = Sample((1...50).map { Double($0 * $0) })
    let text = try ObservationRenderer(format: format, plots: true).render(
      ObservationDocument(Self.report()), samples: [(.ttft, sample, sample)])
    #expect(text.hasSuffix("\n"))
    switch format {
    case .json:
      let tree = try #require(
        try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      let ttft = try #require(tree["ttft_ms"] as? [String: Any])
      #expect((ttft["mean"] as? [String: Any])?["bias"] as? Double == -0.12)
      #expect((tree["verdict"] as? [String: Any])?["kept"] as? Bool == false)
    case .jsonl:
      #expect(text.split(separator: "\n").count == 4 * 7 + 3)
    case .csv:
      #expect(text.hasPrefix("figure,statistic,measured,simulated,error,bias\n"))
      #expect(text.contains("\nttft_ms,mean,1000.0,880.0,0.12,-0.12\n"))
      #expect(text.split(separator: "\n").count == 1 + 4 * 7 + 3)
    case .table:
      #expect(text.contains("-12.0 %") && text.contains("beyond the default limits: 1 of 4"))
      #expect(text.contains("o measured   x simulated   * both"))
      #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    case .markdown:
      #expect(
        text.contains("## Verdict") && text.contains("```text\n") && text.contains("a \\| notice"))
    }
  }

  @Test("draw distributions that rise from nothing to everything")
  func plot() {
    let left = Sample((1...100).map { Double($0) })
    let right = Sample((1...100).map { Double($0) + 40 })
    let lines = DistributionPlot(measured: left, simulated: right).lines(width: 60)
    #expect(lines.allSatisfy { $0.count <= 60 })
    #expect(lines.first?.hasPrefix("100 % |") == true)
    let marks = { (mark: Character) in
      lines.prefix(13).flatMap { line in
        line.enumerated().filter { $0.element == mark || $0.element == "*" }.map(\.offset)
      }
    }
    // Values that are smaller throughout are further to the left at every height but the ends.
    for line in lines.dropFirst(2).prefix(9) {
      let first = line.firstIndex(of: "o")
      let second = line.firstIndex(of: "x")
      if let first, let second { #expect(first < second) }
    }
    #expect(Set(marks("o")).count >= 40 && Set(marks("x")).count >= 40)
    #expect(
      DistributionPlot(measured: Sample([]), simulated: Sample([])).lines(width: 60).count == 1)
    let one = DistributionPlot(measured: Sample([5]), simulated: Sample([5])).lines(width: 30)
    #expect(one.contains { $0.contains("*") })
  }

  @Test("write requests of a simulation, as CSV and as JSON Lines", arguments: ["csv", "jsonl"])
  func log(ending: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "log-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "r.\(ending)").path
    var writer = try RequestLogWriter(path: path)
    writer.take(
      RequestOutcome(
        number: 4, arrival: 1, queued: 20, scheduled: 300, firstToken: 1_000_000_000,
        lastToken: 2_000_000_007, promptTokens: 12, outputTokens: 3, replica: 2))
    writer.take(
      RequestOutcome(
        number: 5, arrival: 9, queued: 9, scheduled: 0, firstToken: 0, lastToken: 0,
        promptTokens: 99, outputTokens: 0, fate: .rejected))
    #expect(!FileManager.default.fileExists(atPath: path))
    try writer.finish()
    let text = try String(contentsOfFile: path, encoding: .utf8)
    if ending == "csv" {
      #expect(
        text
          == RequestLogWriter.columns.joined(separator: ",") + "\n"
          + "4,0.000000001,0.000000020,0.000000300,1.000000000,2.000000007,12,3,2,completed\n"
          + "5,0.000000009,0.000000009,,,,99,0,0,rejected\n")
    } else {
      let lines = text.split(separator: "\n")
      let first = try #require(
        try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any])
      #expect(Set(first.keys) == Set(RequestLogWriter.columns))
      #expect(first["last_token_s"] as? Double == 2.000000007 && first["replica"] as? Int == 2)
      #expect(lines[1].contains("\"first_token_s\":null") && lines[1].contains("\"rejected\""))
    }
  }

  @Test("write pairs of requests")
  func pairs() {
    let measured = ObservedRequest(
      id: "x,y", arrivalSeconds: 0, promptTokens: 5, outputTokens: 3, timeToFirstTokenMs: 10,
      endToEndMs: 30)
    let simulated = RequestOutcome(
      number: 0, arrival: 0, queued: 1_000_000, scheduled: 2_000_000, firstToken: 12_000_000,
      lastToken: 36_000_000, promptTokens: 5, outputTokens: 3)
    let text = RequestPairsWriter.text(
      [
        ObservedPair(measured: measured, simulated: simulated),
        ObservedPair(measured: measured, simulated: nil),
      ], since: .queued)
    let lines = text.split(separator: "\n")
    #expect(lines[0] == RequestPairsWriter.columns.joined(separator: ",")[...])
    #expect(
      lines[1] == "0,\"x,y\",0.000000000,5,3,10.0,11.0,10.0,12.0,30.0,35.0,,1.0,0,completed")
    #expect(lines[2] == "1,\"x,y\",,5,3,10.0,,10.0,,30.0,,,,,unfinished")
  }
}
