// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import Workload

@Suite("Recorded workloads")
struct TraceRequestSourceTests {
  /// A file that lasts as long as its owner.
  final class TemporaryFile {
    let path = FileManager.default.temporaryDirectory.appending(path: "trace-\(UUID()).csv").path

    init(_ text: String) throws {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  static let text = """
    arrival_s,prompt_tokens,output_tokens,prefix_blocks
    1,10,1,5 6
    2,20,2,
    4,30,3,5
    8,40,4,9
    """

  @Test("Times, limit and scale")
  func scale() throws {
    let file = try TemporaryFile(Self.text)
    var description = WorkloadDescription(trace: file.path)
    #expect(try GeneratorTests.requests(description).map(\.arrivalSeconds) == [1, 2, 4, 8])
    description.rateScale = 0.5
    #expect(try GeneratorTests.requests(description).map(\.arrivalSeconds) == [2, 4, 8, 16])
    description.requests = 2
    let two = try GeneratorTests.requests(description)
    #expect(two.map(\.promptTokens) == [10, 20] && two.map(\.number) == [0, 1])
    description.skip = 2
    description.rateScale = 1
    let rest = try GeneratorTests.requests(description)
    #expect(rest.map(\.promptTokens) == [30, 40] && rest.map(\.arrivalSeconds) == [0, 4])
    #expect(rest.map(\.number) == [0, 1])
  }

  @Test("A trace that ends early says so")
  func endsEarly() throws {
    let file = try TemporaryFile(Self.text)
    var description = WorkloadDescription(trace: file.path)
    description.requests = 9
    var source = try description.open(seed: 1)
    while try source.next() != nil {}
    #expect(source.notices == ["the trace ended after 4 of the 9 requests asked for"])
    description.skip = 7
    source = try description.open(seed: 1)
    #expect(try source.next() == nil)
    #expect(source.notices.count == 1)
  }

  @Test("Prefix blocks belong to the request last handed out")
  func prefixes() throws {
    let file = try TemporaryFile(Self.text)
    var source = try WorkloadDescription(trace: file.path).open(seed: 1)
    #expect(source.prefixBlockTokens == 512)
    let first = try #require(try source.next())
    #expect(Array(source.prefixBlocks(of: first)) == [5, 6])
    let second = try #require(try source.next())
    #expect(source.prefixBlocks(of: second).isEmpty && source.prefixBlocks(of: first).isEmpty)
    let third = try #require(try source.next())
    #expect(Array(source.prefixBlocks(of: third)) == [5])
  }

  @Test("Arrivals from one place and lengths from the other")
  func mixed() throws {
    let file = try TemporaryFile(Self.text)
    var description = WorkloadDescription(trace: file.path)
    description.lengths = GeneratorTests.plain
    let drawn = try GeneratorTests.requests(description)
    #expect(drawn.map(\.arrivalSeconds) == [1, 2, 4, 8])
    #expect(drawn.map(\.promptTokens) == [100, 100, 100, 100])
    description.lengths = nil
    description.arrivals = .constant(rate: 10)
    let spaced = try GeneratorTests.requests(description)
    #expect(spaced.map(\.arrivalNanoseconds) == [100, 200, 300, 400].map { $0 * 1_000_000 })
    #expect(spaced.map(\.outputTokens) == [1, 2, 3, 4])
    description.arrivals = .closedLoop(users: 2, think: .constant(1))
    var source = try description.open(seed: 1)
    let request = try #require(try source.next(user: 1, afterNanoseconds: 5))
    #expect(request.promptTokens == 10 && request.arrivalNanoseconds == 1_000_000_005)
    #expect(Array(source.prefixBlocks(of: request)) == [5, 6])
  }

  @Test(
    "The recorded Azure trace starts at its first request",
    .enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
  func azure() throws {
    let path = try #require(
      SharedData.path("azure_llm_2023/AzureLLMInferenceTrace_conv.csv"))
    var description = WorkloadDescription(trace: path)
    description.rateScale = 0.01
    description.requests = 3
    let requests = try GeneratorTests.requests(description)
    #expect(requests.map(\.arrivalNanoseconds) == [0, 431_457_900_000, 454_187_700_000])
    #expect(requests.map(\.promptTokens) == [374, 396, 879])
  }
}

@Suite("Fitted workloads")
struct WorkloadFitTests {
  @Test("A fit of generated requests finds the generator again", arguments: [UInt64(1), 2])
  func recovers(seed: UInt64) throws {
    var description = WorkloadDescription(
      arrivals: .gamma(rate: 4, burstiness: 0.5),
      lengths: RequestLengths(
        prompt: .lognormal(mean: 1155, median: 1020),
        output: LengthDistribution(.gamma(mean: 200, variation: 0.8))))
    description.requests = GeneratorTests.count
    let statistics = try GeneratorTests.statistics(description, seed: seed)
    let fit = try #require(WorkloadFit(statistics))
    #expect(abs(fit.rate / 4 - 1) < 0.03)
    #expect(abs(fit.burstiness / 0.5 - 1) < 0.1)
    var again = fit.workload
    again.requests = GeneratorTests.count
    let copy = try GeneratorTests.statistics(again, seed: seed + 100)
    #expect(abs(copy.prompt.mean / statistics.prompt.mean - 1) < 0.02)
    #expect(abs(copy.output.mean / statistics.output.mean - 1) < 0.02)
    for share in [0.05, 0.25, 0.5, 0.9, 0.99] {
      let ratio =
        Double(copy.promptQuantile(share)) / Double(statistics.promptQuantile(share))
      #expect(abs(ratio - 1) < 0.05, "\(share)")
    }
    #expect(WorkloadFit(WorkloadStatistics()) == nil)
  }
}
