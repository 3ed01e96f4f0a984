// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Testing

@testable import Workload

@Suite("Workloads in configuration files")
struct WorkloadReadingTests {
  static func read(_ yaml: String) throws -> WorkloadDescription {
    let collector = DiagnosticCollector()
    let node = try ConfigurationNode.parse(yaml, file: "w.yaml")
    let description = WorkloadDescription(reading: node, into: collector)
    try collector.throwIfAny()
    return description
  }

  @Test("A trace with its options")
  func trace() throws {
    let description = try Self.read(
      "{trace: a.csv, format: azure, rate_scale: 0.01, requests: 200, skip: 5}")
    var expected = WorkloadDescription(trace: "a.csv")
    expected.format = .azure
    expected.rateScale = 0.01
    expected.requests = 200
    expected.skip = 5
    #expect(description == expected)
  }

  @Test(
    "Arrival processes",
    arguments: [
      ("{process: poisson, rate: 6/s}", ArrivalProcess.poisson(rate: 6)),
      ("{process: gamma, rate: 90/min, burstiness: 0.5}", .gamma(rate: 1.5, burstiness: 0.5)),
      ("{process: constant, rate: 1/s}", .constant(rate: 1)),
      ("{process: all-at-once}", .allAtOnce),
      (
        "{process: closed-loop, users: 8, think: 500 ms}",
        .closedLoop(users: 8, think: .exponential(mean: 0.5))
      ),
      (
        "{process: closed-loop, users: 1, think: 2 s, think_distribution: constant}",
        .closedLoop(users: 1, think: .constant(2))
      ),
    ])
  func arrivals(yaml: String, expected: ArrivalProcess) throws {
    let description = try Self.read("{arrivals: \(yaml), lengths: {prompt: 512, output: 256}}")
    #expect(description.arrivals == expected)
    #expect(
      description.lengths
        == RequestLengths(
          prompt: LengthDistribution(.constant(512)), output: LengthDistribution(.constant(256))))
  }

  @Test(
    "Length distributions",
    arguments: [
      ("{distribution: constant, value: 7}", LengthDistribution(.constant(7))),
      (
        "{distribution: uniform, min: 3, max: 9}",
        LengthDistribution(.uniform(minimum: 3, maximum: 9))
      ),
      (
        "{distribution: gamma, mean: 100, cv: 0.5, min: 2, max: 999}",
        LengthDistribution(.gamma(mean: 100, variation: 0.5), minimum: 2, maximum: 999)
      ),
      ("{distribution: lognormal, mean: 211, p50: 129}", .lognormal(mean: 211, median: 129)),
      ("{distribution: lognormal, mean: 211, cv: 1.2}", .lognormal(mean: 211, variation: 1.2)),
      (
        "{distribution: empirical, quantiles: [[0, 1], [50%, 10], [1, 100]]}",
        LengthDistribution(
          .empirical(EmpiricalLengths(quantiles: [(0, 1), (0.5, 10), (1, 100)])!))
      ),
      (
        "{distribution: empirical, values: [1, 5], weights: [3, 1]}",
        LengthDistribution(.empirical(EmpiricalLengths(values: [1, 5], weights: [3, 1])!))
      ),
    ])
  func lengths(yaml: String, expected: LengthDistribution) throws {
    let description = try Self.read("{trace: a.csv, lengths: {prompt: \(yaml), output: 1}}")
    #expect(description.lengths?.prompt == expected)
  }

  @Test(
    "Mistakes are told with their key",
    arguments: [
      ("{}", "trace", "needs a trace"),
      ("{arrivals: {process: poisson, rate: 1/s}}", "lengths", "missing"),
      ("{lengths: {prompt: 1, output: 1}}", "arrivals", "missing"),
      ("{trace: a, format: azur}", "format", "did you mean 'azure'"),
      ("{trace: a, rate_scale: 0}", "rate_scale", "out of range"),
      ("{trace: a, rate_scale: .nan}", "rate_scale", "finite"),
      ("{trace: a, requests: -3}", "requests", "out of range"),
      ("{trace: a, ratescale: 2}", "ratescale", "did you mean 'rate_scale'"),
      ("{trace: a, arrivals: {process: poisson, rate: 3 s}}", "arrivals.rate", "duration"),
      ("{trace: a, arrivals: {process: poisson}}", "arrivals.rate", "missing"),
      (
        "{trace: a, arrivals: {process: poisson, rate: 1/s, burstiness: 2}}",
        "arrivals.burstiness", "unknown key"
      ),
      ("{trace: a, arrivals: {process: closed-loop}}", "arrivals.users", "missing"),
      (
        "{trace: a, arrivals: {process: all-at-once}, lengths: {prompt: 1, output: 1}}", "trace",
        "no use"
      ),
      ("{trace: a, lengths: {prompt: 1}}", "lengths.output", "missing"),
      ("{trace: a, lengths: {prompt: 0, output: 1}}", "lengths.prompt", "out of range"),
      (
        "{trace: a, lengths: {prompt: {distribution: uniform, min: 9, max: 3}, output: 1}}",
        "lengths.prompt.max", "below min"
      ),
      (
        "{trace: a, lengths: {prompt: {distribution: lognormal, mean: 9, p50: 30}, output: 1}}",
        "lengths.prompt.p50", "above the mean"
      ),
      (
        "{trace: a, lengths: {prompt: {distribution: lognormal, mean: 9}, output: 1}}",
        "lengths.prompt.p50", "only one"
      ),
      (
        "{trace: a, lengths: {prompt: {distribution: empirical, quantiles: [[0, 1]]}, output: 1}}",
        "lengths.prompt.quantiles", "no distribution"
      ),
      (
        "{trace: a, lengths: {prompt: {distribution: empirical, values: [1]}, output: x}}",
        "lengths.output", "whole number"
      ),
    ])
  func mistakes(yaml: String, path: String, says: String) throws {
    let error = #expect(throws: Diagnostics.self) { _ = try Self.read(yaml) }
    let found = error?.all ?? []
    #expect(
      found.contains { $0.path == path && $0.message.contains(says) && $0.location?.line == 1 },
      "\(found)")
  }

  @Test("A fit written as YAML is read back as the fitted workload")
  func fitRoundTrip() throws {
    var description = WorkloadDescription(
      arrivals: .gamma(rate: 4, burstiness: 0.5),
      lengths: RequestLengths(
        prompt: .lognormal(mean: 1155, median: 1020), output: .lognormal(mean: 211, median: 129)))
    description.requests = 3000
    let fit = try #require(WorkloadFit(GeneratorTests.statistics(description, seed: 5)))
    let node = try ConfigurationNode.parse(fit.yaml, file: "fit.yaml")
    let collector = DiagnosticCollector()
    let read = WorkloadDescription(reading: try #require(node["workload"]), into: collector)
    #expect(collector.isEmpty)
    #expect(read.lengths == fit.workload.lengths)
    guard case .gamma(let rate, let burstiness)? = read.arrivals else {
      Issue.record("no gamma arrivals")
      return
    }
    #expect(abs(rate / fit.rate - 1) < 1e-4 && abs(burstiness / fit.burstiness - 1) < 1e-4)
  }
}
