// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Foundation
import Testing

@testable import Reports

/// Serving points beside simulated ones, in every format.
@Suite struct PointReportRendererTests {
  static let json = """
    {"points": [
       {"id": "a", "line": 7, "model": "Org/Model", "system": "h100", "backend": "vllm",
        "version": "1", "precision": "fp8", "plan": "TP4", "devices": 4, "prompt": 1024,
        "output": 512, "concurrency": 8, "measuredTtftMs": 100, "simulatedTtftMs": 150,
        "measuredTpotMs": 10, "simulatedTpotMs": 9, "ttftError": 0.5, "tpotError": -0.1,
        "isTransferred": true, "isFitted": false}],
     "groups": [{"name": "Org/Model/h100/vllm", "points": 1, "medianTpotError": 0.1,
        "medianTtftError": 0.5, "biasTpot": -0.1, "biasTtft": 0.5, "isTransferred": true,
        "isFitted": false}],
     "summaries": [], "curves": [], "disaggregated": 3, "duplicates": 2,
     "refusals": [{"reason": "its model has no experts", "points": 4, "example": "d"}]}
    """

  static func report() throws -> PointReport {
    try JSONDecoder().decode(PointReport.self, from: Data(json.utf8))
  }

  @Test func `Tables show errors with their signs, and what is not simulated with its reason`()
    throws
  {
    let text = try PointReportRenderer(format: .table, style: ReportStyle(width: 200)).render(
      Self.report())
    for words in ["+50.0 %", "-10.0 %", "(t)", "4 points: its model has no experts", "3 points"] {
      #expect(text.contains(words), "\(words) is missing in\n\(text)")
    }
  }

  @Test func `A limit of rows says how many are left out`() throws {
    let text = try PointReportRenderer(format: .markdown, rows: 0).render(Self.report())
    #expect(text.hasPrefix("# Measured and simulated") && text.contains("1 more points"))
  }

  @Test func `Files for programs have a point a row, JSON the whole record`() throws {
    let report = try Self.report()
    let lines = try PointReportRenderer(format: .csv).render(report).split(separator: "\n")
    #expect(lines.count == 2 && lines[0].contains("tpot_error") && lines[1].contains("-0.1"))
    let json = try PointReportRenderer(format: .json).render(report)
    let tree = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    #expect(tree?["duplicates"] as? Int == 2 && (tree?["refusals"] as? [Any])?.count == 1)
  }
}
