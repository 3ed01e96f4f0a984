// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Testing

@testable import Workload

@Suite("Priorities of a workload")
struct PriorityShareTests {
  private static func description(_ priorities: String) throws -> WorkloadDescription {
    let node = try ConfigurationNode.parse(
      """
      arrivals: {process: poisson, rate: 5/s}
      lengths: {prompt: 10, output: 5}
      requests: 20000
      priorities: \(priorities)
      """, file: "workload.yaml")
    let collector = DiagnosticCollector()
    let description = WorkloadDescription(reading: node, into: collector)
    try collector.throwIfAny()
    return description
  }

  @Test("occur in their shares, and whoever has none is 0")
  func shares() throws {
    var source = try Self.description("[{priority: 3, share: 20%}, {priority: -2, share: 0.3}]")
      .open(seed: 4)
    #expect(source.hasPriorities)
    var counts: [Int32: Int] = [:]
    while let request = try source.next() { counts[request.priority, default: 0] += 1 }
    // Four standard deviations of a binomial share at 20,000 draws are at most 0.0142.
    for (priority, share) in [(Int32(3), 0.2), (-2, 0.3), (0, 0.5)] {
      #expect(abs(Double(counts[priority]!) / 20_000 - share) < 0.0142)
    }
    #expect(counts.count == 3)
  }

  @Test("belong to requests, whatever else of the workload changes")
  func areKeyed() throws {
    var first = try Self.description("[{priority: 1, share: 50%}]").open(seed: 9)
    var changed = try Self.description("[{priority: 1, share: 50%}]")
    changed.arrivals = .closedLoop(users: 1, think: .constant(0))
    var second = try changed.open(seed: 9)
    for _ in 0..<200 {
      let one = try first.next()
      let other = try second.next(user: 0, afterNanoseconds: 0)
      #expect(one?.priority == other?.priority)
    }
  }

  @Test(
    "are refused where they are no shares",
    arguments: [
      "[{priority: 1, share: 60%}, {priority: 2, share: 50%}]",
      "[{priority: 1, share: 10%}, {priority: 1, share: 10%}]", "[{priority: 1}]",
      "[{share: 10%}]", "[{priority: high, share: 10%}]",
    ])
  func refusals(text: String) {
    #expect(throws: Diagnostics.self) { try Self.description(text) }
  }

  @Test("are read from a column and written to one", arguments: [true, false])
  func column(blocksFirst: Bool) throws {
    let rows = [("0 1", 5), ("0 2", -1), ("", 0)]
    var text = "arrival_s,prompt_tokens,output_tokens,"
    text += blocksFirst ? "prefix_blocks,priority\n" : "priority,prefix_blocks\n"
    for (number, (blocks, priority)) in rows.enumerated() {
      let fields = blocksFirst ? "\(blocks),\(priority)" : "\(priority),\(blocks)"
      text += "\(number),600,7,\(fields)\n"
    }
    let reader = try RequestTraceReader(bytes: Array(text.utf8), file: "trace")
    #expect(reader.recordsPriorities && reader.prefixBlockTokens == 512)
    var record = RequestRecord()
    let writer = RequestTraceWriter(hasPrefixBlocks: true, hasPriorities: true)
    var written = writer.header(comments: [])
    for (blocks, priority) in rows {
      #expect(try reader.next(into: &record))
      #expect(record.priority == Int32(priority))
      #expect(record.prefixBlocks == blocks.split(separator: " ").map { UInt64($0)! })
      written += writer.line(
        arrivalNanoseconds: UInt64(record.arrivalNanoseconds), promptTokens: record.promptTokens,
        outputTokens: record.outputTokens, prefixBlocks: record.prefixBlocks[...],
        priority: record.priority)
    }
    if blocksFirst { #expect(written == text) }
    let wrong = "arrival_s,prompt_tokens,output_tokens,priority\n0,1,1,urgent\n"
    let refusing = try RequestTraceReader(bytes: Array(wrong.utf8), file: "trace")
    #expect(throws: Diagnostic.self) { try refusing.next(into: &record) }
    #expect(throws: Diagnostic.self) {
      try RequestTraceReader(
        bytes: Array("arrival_s,prompt_tokens,output_tokens,priority,priority\n".utf8),
        file: "trace")
    }
  }
}
