// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Records

@testable import Reports
@testable import Serving

/// Results of every kind, small, as commands print them.
enum PageFixtures {
  /// A run's report, read back from its JSON.
  static func run(
    stable: Bool = true, replication: Int64 = 0, hasHistory: Bool = false
  ) throws -> ReportValue {
    let text = JSONText.text(of: ResultDocument(.sample(stable: stable)).value)
    var run = try ReportValue(json: Data(text.utf8))
    run.set("replication", to: .integer(replication))
    if hasHistory { run.set("history", to: history) }
    return run
  }

  /// What a run of four windows keeps.
  static let history: ReportValue = [
    "begin_seconds": 10, "end_seconds": [20, 30, 40, 50],
    "busy": ["gpu0.compute": [0.1, 0.5, 1, 0.25], "gpu0.h2d": [0, 0.2, 0.4, 0.6]],
    "levels": [
      "waiting requests": [0, 3, 2, 0], "running sequences": [1, 4, 4, 2],
      "KV cache": [0.1, 0.2, 0.3, 0.2],
    ],
    "rates": ["output tokens": [5.0, 6.0, 7.0, 4.5], "hit rate": [0.5, nil, 0.6, 0.7]],
    "quantiles": [
      "shares": [0, 0.5, 1], "ttft_ms": [10, 20, 90], "tpot_ms": [30, 40, 60],
      "itl_ms": [1, 40, 70], "e2el_ms": nil, "queue_ms": [0, 0, 5],
    ],
  ]

  /// Two policies and a ceiling.
  static let comparison: ReportValue = [
    "schema_version": "1.1", "scenario": "quick<start>", "seed": 1, "baseline": "lru",
    "measure": "tpot_ms", "confidence": 0.95, "replications": 2, "notices": ["watch </script>"],
    "verdict": "lfu wins.", "setting": ["hardware": "a", "model": "m"],
    "rows": [
      row("lru", kind: "policy", tpot: [40, 42], against: nil),
      row(
        "lfu", kind: "policy", tpot: [36, 39],
        against: [
          "tpot_ms": [
            "mean": -3.5, "low": -9.85, "high": 2.85, "ratio": 0.9146, "pairs": 2,
            "p_value": 0.09, "adjusted_pvalue": 0.09,
          ]
        ]),
      row("belady ceiling", kind: "ceiling", tpot: [30, 31], against: nil),
    ],
  ]

  private static func row(
    _ name: String, kind: String, tpot: [Double], against: ReportValue?
  ) -> ReportValue {
    let mean = tpot.reduce(0, +) / Double(tpot.count)
    return [
      "name": .text(name), "kind": .text(kind), "roles": ["eviction": .text(name)],
      "steady_replications": 2, "unstable_replications": 0,
      "ceiling_share": kind == "ceiling" ? nil : ["belady": 0.8, "link_bound": 0.1],
      "mean": [
        "tpot_ms": .number(mean), "ttft_ms": 100,
        "stall_ms_per_token": ["demand_load": .number(mean / 2), "late_prefetch": 1.5],
      ],
      "versus_baseline": against ?? .null,
      "runs": .list(
        tpot.enumerated().map { index, value in
          [
            "replication": .integer(Int64(index)), "stable": true,
            "figures": ["tpot_ms": .number(value), "ttft_ms": 100],
          ]
        }),
    ]
  }

  /// A plan with two finalists.
  static let plan: ReportValue = [
    "schema_version": "1.0", "plan": "small", "objective": "the least USD", "verdict": "buy it",
    "best": 2, "front": [2], "candidates": 9, "notices": [],
    "excluded": [["reason": "does not fit", "count": 5, "nearest": "x", "example": "1 GiB"]],
    "rounds": [["requests": 16, "candidates": 4, "kept": 2, "events": 100]],
    "work": ["simulated": 4, "runs": 8],
    "finalists": [
      finalist(2, usd: 0.25, tpot: 39, isFeasible: true),
      finalist(7, usd: 0.5, tpot: 60, isFeasible: false),
    ],
  ]

  private static func finalist(
    _ number: Int64, usd: Double, tpot: Double, isFeasible: Bool
  ) -> ReportValue {
    [
      "number": .integer(number), "label": "rtx-3060-desktop | lru | experts int4 | none",
      "is_feasible": .bool(isFeasible), "is_certain": .bool(isFeasible),
      "is_on_front": .bool(isFeasible), "misses": [],
      "usd_per_million_tokens": [
        "mean": .number(usd), "low": .number(usd * 0.9), "high": .number(usd * 1.1),
      ],
      "p99_tpot_ms": ["mean": .number(tpot), "low": .number(tpot - 2), "high": .number(tpot + 2)],
      "objectives": [
        ["key": "tpot_p99", "limit_ms": 40, "found": ["mean": .number(tpot)]]
      ],
      "bill": [
        "hosts": 1, "purchase_usd": 778,
        "items": [
          [
            "name": "NVIDIA GeForce RTX 3060 12 GB", "count": 1, "usd_each": 329, "watts_each": 170,
          ],
          ["name": "AMD Ryzen 7 5800X", "count": 1, "usd_each": 449, "watts_each": 142],
        ],
      ],
      "headroom": [
        ["load": 1.5, "meets": false, "p99_tpot_ms": .number(tpot * 2), "misses": ["tpot_p99"]]
      ],
    ]
  }

  /// Two systems with a case of every sort.
  static let validation: ReportValue = [
    "schema_version": "1.0",
    "summary": [
      "systems": 1, "median_absolute_error": 0.1, "orderings": 0, "orderings_reproduced": 0,
      "uncounted": 1,
    ],
    "systems": [
      [
        "name": "some", "summary": "A system.", "source": "Some, arXiv 2404.05567", "orderings": [],
        "calibration": [],
        "all": ["counted": 2, "within": 1, "failed": 0, "median_absolute_error": 0.3],
        "cases": [
          validationCase("a", "value", 100, 105, "counted", "within"),
          validationCase("b", "value", 10, 15, "counted", "beyond"),
          validationCase("c", "ratio", 2, 2.1, "calibrated", "within"),
        ],
      ]
    ],
  ]

  private static func validationCase(
    _ id: String, _ kind: String, _ published: Double, _ simulated: Double, _ status: String,
    _ verdict: String
  ) -> ReportValue {
    [
      "id": .text(id), "what": "time", "kind": .text(kind), "published": .number(published),
      "simulated": .number(simulated), "error": .number(simulated / published - 1),
      "unit": "ms", "status": .text(status), "verdict": .text(verdict), "source": "table 2",
      "tolerance": "10 %",
    ]
  }

  /// What `results --format json` prints of six runs of three points.
  static let listing: ReportValue = {
    var rows: [ReportValue] = []
    for (share, tpot) in [("25%", 40.0), ("50%", 30.0), ("75%", 20.0)] {
      for replication in 0...1 {
        let status = share == "75%" && replication == 1 ? "unstable" : "ok"
        let mean = tpot + Double(replication)
        rows.append([
          "cache.experts": .text(share), "replication": .integer(Int64(replication)),
          "status": .text(status), "tpot_ms.mean": .number(mean),
          "cost.usd_per_million_output_tokens": .number(tpot / 4),
        ])
      }
    }
    return .list(rows)
  }()

  /// A measured run beside its simulation.
  static let observation: ReportValue = [
    "schema_version": "1.0", "results": "requests.jsonl", "latencies_since": "arrival",
    "scenario": "observed", "setting": ["hardware": "a", "model": "m", "policy": "lru"],
    "notices": [], "verdict": ["limits": []],
    "output_tokens_per_second": ["measured": 100, "simulated": 98, "bias": -0.02],
    "tpot_ms": ["mean": ["measured": 20, "simulated": 19, "bias": -0.05]],
  ]

  /// A page of every kind, by name.
  static func documents() throws -> [(name: String, document: PageDocument)] {
    let inputs: [(String, ReportValue)] = [
      ("run", try run()), ("run with history", try run(hasHistory: true)),
      ("unstable run", try run(stable: false)),
      ("replications", .list([try run(), try run(replication: 1)])), ("comparison", comparison),
      ("plan", plan), ("validation", validation), ("listing", listing),
      ("observation", observation),
    ]
    return try inputs.map { name, value in
      guard let input = try ReportInput.recognise(value, path: name) else {
        throw ReportInput.Problem(path: name, message: "is not recognised")
      }
      return (name, ReportPage.document(of: input))
    }
  }
}
