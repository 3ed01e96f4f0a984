// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import Workload

@Suite("Statistics of a trace")
struct WorkloadStatisticsTests {
  @Test("Quantiles agree with sorting, exactly below 65,536", arguments: [UInt64(1), 2, 3])
  func quantiles(seed: UInt64) {
    var generator = SplitMix(state: seed)
    var histogram = LengthHistogram()
    var values: [Int] = []
    for _ in 0..<2000 {
      let value = Int(generator.next() % 65_536)
      values.append(value)
      histogram.add(value)
    }
    values.sort()
    for share in [0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 1.0] {
      let rank = max(1, Int((share * 2000).rounded(.up)))
      #expect(histogram.quantile(share) == values[rank - 1], "\(share)")
    }
    #expect(abs(histogram.mean - Double(values.reduce(0, +)) / 2000) < 1e-6)
  }

  @Test("Long lengths are within 1/2048", arguments: [65_535, 65_536, 99_999, 1 << 20, 1 << 24])
  func longQuantiles(value: Int) {
    var histogram = LengthHistogram()
    histogram.add(value)
    histogram.add(1 << 25)
    let median = histogram.quantile(0.5)
    #expect(median <= value && Double(value - median) <= Double(value) / 2048)
    #expect(histogram.maximum == 1 << 25)
  }

  @Test("Gaps by a textbook formula", arguments: [UInt64(5), 6])
  func variation(seed: UInt64) throws {
    var generator = SplitMix(state: seed)
    var statistics = WorkloadStatistics()
    var record = RequestRecord()
    var gaps: [Double] = []
    for index in 0..<300 {
      if index > 0 {
        let gap = Int64(generator.next() % 5_000_000_000)
        record.arrivalNanoseconds += gap
        gaps.append(Double(gap) * 1e-9)
      }
      record.promptTokens = 5
      record.outputTokens = 6
      statistics.add(record)
    }
    let mean = gaps.reduce(0, +) / Double(gaps.count)
    let variance = gaps.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(gaps.count)
    #expect(abs(try #require(statistics.gapVariation) - variance.squareRoot() / mean) < 1e-9)
    #expect(abs(try #require(statistics.rate) - 1 / mean) < 1e-9)
    #expect(statistics.prompt.p99 == 5 && statistics.output.mean == 6)
  }

  @Test("Nothing, one request, and all at once have no rate")
  func degenerate() {
    var statistics = WorkloadStatistics()
    #expect(statistics.rate == nil && statistics.prompt.mean == 0 && statistics.prompt.minimum == 0)
    var record = RequestRecord()
    record.promptTokens = 3
    record.outputTokens = 4
    statistics.add(record)
    #expect(statistics.rate == nil && statistics.gapVariation == nil)
    statistics.add(record)
    #expect(statistics.rate == nil && statistics.gapVariation == nil && statistics.count == 2)
  }

  /// The published figures of the two Azure services.
  struct AzureFigures: Sendable, CustomTestStringConvertible {
    var file: String
    var count: Int
    var rate: Double
    var variation: Double
    var promptMean: Double
    var promptMedian: Int
    var promptP99: Int
    var outputMean: Double
    var outputMedian: Int
    var testDescription: String { file }
  }

  @Test(
    "The recorded Azure traces have their published figures",
    .enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)),
    arguments: [
      AzureFigures(
        file: "AzureLLMInferenceTrace_conv.csv", count: 19366, rate: 5.53, variation: 1.09,
        promptMean: 1155, promptMedian: 1020, promptP99: 4142, outputMean: 211, outputMedian: 129),
      AzureFigures(
        file: "AzureLLMInferenceTrace_code.csv", count: 8819, rate: 2.57, variation: 13.2,
        promptMean: 2048, promptMedian: 1469, promptP99: 7436, outputMean: 27.9, outputMedian: 13),
    ])
  func azure(figures: AzureFigures) throws {
    let path = try #require(SharedData.path("azure_llm_2023/\(figures.file)"))
    let reader = try RequestTraceReader(path: path)
    #expect(reader.format == .azure)
    let statistics = try WorkloadStatistics(reading: reader)
    #expect(statistics.count == figures.count)
    #expect(abs(try #require(statistics.rate) - figures.rate) < 0.005)
    #expect(abs(try #require(statistics.gapVariation) / figures.variation - 1) < 0.005)
    #expect(abs(statistics.prompt.mean - figures.promptMean) < 0.5)
    #expect(statistics.prompt.p50 == figures.promptMedian)
    #expect(statistics.prompt.p99 == figures.promptP99)
    #expect(abs(statistics.output.mean - figures.outputMean) < 0.5)
    #expect(statistics.output.p50 == figures.outputMedian)
  }

  @Test(
    "The recorded Mooncake trace has its published figures",
    .enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
  func mooncake() throws {
    let path = try #require(SharedData.path("mooncake_fast25/conversation_trace.jsonl"))
    let reader = try RequestTraceReader(path: path)
    #expect(reader.format == .mooncake && reader.prefixBlockTokens == 512)
    let statistics = try WorkloadStatistics(reading: reader)
    #expect(statistics.count == 12031)
    #expect(abs(try #require(statistics.rate) - 3.40) < 0.005)
    #expect(abs(statistics.prompt.mean - 12035) < 0.5)
    #expect(statistics.prompt.p50 == 6909)
    // The published 99th percentile interpolates between neighbours, and long lengths are binned.
    #expect(abs(Double(statistics.prompt.p99) / 85_400 - 1) < 0.002)
    #expect(abs(statistics.output.mean - 343) < 0.5)
    #expect(abs(try #require(statistics.prefixRepeatShare) - 0.366) < 0.0005)
  }
}
