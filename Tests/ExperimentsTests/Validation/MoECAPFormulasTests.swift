// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import Experiments
@testable import Serving

@Suite("MoE-CAP's formulas")
struct MoECAPFormulasTests {
  private func value(
    _ name: String, model: String = "mixtral-8x7b", hardware: String = "a100-sxm-server",
    _ numbers: [String: Double]
  ) throws -> Double {
    let scenario = try Scenario.load(
      Checkout.root.appending(path: "scenarios/quickstart.yaml").path,
      overrides: [
        "model=\(model)", "hardware=\(hardware)", "precision.experts=bf16", "routing=typical",
      ])
    let formula = try #require(ReferenceFormula.all.first { $0.name == name })
    return try formula.evaluate(
      .init(configuration: try scenario.configuration(), numbers: numbers))
  }

  @Test("one token uses its choices, and very many use all")
  func distinct() throws {
    #expect(abs(try value("distinct-experts", ["batch": 1]) - 2) < 1e-12)
    #expect(abs(try value("distinct-experts", ["batch": 2]) - 3.5) < 1e-12)
    #expect(abs(try value("distinct-experts", ["batch": 1000]) - 8) < 1e-9)
  }

  @Test("Mixtral's bytes, FLOP and shares are those of its dimensions")
  func mixtral() throws {
    // 32 layers: attention 2 · 4096² + 2 · 4096 · 1024, eight experts of 3 · 4096 · 14336.
    let attention = 2.0 * 4096 * 4096 + 2 * 4096 * 1024
    let expert = 3.0 * 4096 * 14336
    let gigabytes = 32 * 2 * (attention + 2 * expert) / 0.1 * 1e-9
    #expect(
      abs(try value("activated-bandwidth", ["tpot": 0.1, "experts": 2]) - gigabytes) < 1e-6)
    let flop = 32 * 2 * (attention + 4096 * 8 + 2 * expert)
    let expected = 1000 * flop / (2 * 312e12)
    #expect(abs(try value("s-mfu", ["rate": 1000, "gpus": 2]) - expected) < expected * 1e-9)
    let share = try value("activated-share", ["batch": 1000])
    #expect(share > 0.9999 && share <= 1 + 1e-12)
  }

  @Test("a machine's price is the sum of its parts, and none where one is missing")
  func price() throws {
    // 8 GPUs, two processors, 2 TiB of memory, four drives, the board.
    let price: Double = try value("purchase-price", [:])
    let known: Double = 152_000 + 13_900 + 8192 + 12_000
    #expect(price > known && price < known + 10_000)
    #expect(throws: ReferenceProblem.self) {
      _ = try value("purchase-price", hardware: "h20-server", [:])
    }
  }
}
