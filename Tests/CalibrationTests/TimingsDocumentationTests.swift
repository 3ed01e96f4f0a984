// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import Calibration

@Suite("The description of tables of timings")
struct TimingsDocumentationTests {
  private func rows() throws -> [[String]] {
    let text = try String(
      contentsOf: Checkout.root.appending(path: "docs/timings-format.md"), encoding: .utf8)
    return text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
      line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  @Test("Every column is described once, in the order of files")
  func columns() throws {
    let described = try rows().filter { $0.count >= 3 }.map(\.[0])
    let names = KernelMeasurement.CodingKeys.allCases.map { "`\($0.rawValue)`" }
    #expect(described.filter(names.contains) == names)
  }

  @Test("A column that a kernel needs says so")
  func needs() throws {
    let groups: [(String, [MeasuredKernel])] = [
      ("attention of all kinds", attention),
      ("attention, not `linear_attention`", attention.filter { $0 != .linearAttention }),
      (
        "prefill of all kinds",
        [.attentionPrefill, .latentAttentionPrefill, .modelPrefill]
      ),
      ("decode of attention", [.attentionDecode, .latentAttentionDecode]),
      (
        "collectives but an exchange of tokens",
        [.allReduce, .allGather, .reduceScatter, .sendReceive]
      ),
      ("collectives", [.allReduce, .allGather, .reduceScatter, .allToAll]),
    ]
    let described = try rows().filter { $0.count >= 3 }
    for key in KernelMeasurement.CodingKeys.allCases {
      let row = try #require(described.first { $0[0] == "`\(key.rawValue)`" })
      var text = row.count > 3 ? row[3] : ""
      var kernels: Set<MeasuredKernel> = []
      for (words, members) in groups where text.contains(words) {
        kernels.formUnion(members)
        text = text.replacingOccurrences(of: words, with: "")
      }
      for kernel in MeasuredKernel.allCases where text.contains("`\(kernel.rawValue)`") {
        kernels.insert(kernel)
      }
      if text == "all" { kernels = Set(MeasuredKernel.allCases) }
      let needed: Set<MeasuredKernel> =
        [.device, .kernel, .median, .source].contains(key)
        ? Set(MeasuredKernel.allCases)
        : Set(MeasuredKernel.allCases.filter { $0.requiredKeys.contains(key) })
      #expect(kernels == needed, "\(key.rawValue)")
    }
  }

  private let attention: [MeasuredKernel] = [
    .attentionPrefill, .attentionDecode, .latentAttentionPrefill, .latentAttentionDecode,
    .linearAttention,
  ]

  @Test("Every kernel and every format is described")
  func kernelsAndFormats() throws {
    let text = try String(
      contentsOf: Checkout.root.appending(path: "docs/timings-format.md"), encoding: .utf8)
    let kernels = try rows().filter { $0.count == 2 }.map(\.[0]).joined(separator: " ")
    for kernel in MeasuredKernel.allCases { #expect(kernels.contains("`\(kernel.rawValue)`")) }
    let headings = text.split(separator: "\n").filter { $0.hasPrefix("### ") }
    #expect(headings.map { String($0.dropFirst(4)) } == TimingImporters.all.map(\.name))
  }
}
