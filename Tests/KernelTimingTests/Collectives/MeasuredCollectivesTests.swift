// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Hardware
import TestSupport
import Testing

@testable import KernelTiming

/// Collectives against recorded times.
@Suite(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
struct MeasuredCollectivesTests {
  /// The rows of a file by column.
  static func rows(_ path: String) throws -> [[String: String]] {
    let path = try #require(SharedData.path(path))
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    let header = lines[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    return lines.dropFirst().map { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      return Dictionary(zip(header, fields)) { first, _ in first }
    }
  }

  static func timing(
    _ machine: String, members: Int, fitted: Bool, hosts: Int = 1
  ) throws -> CollectiveTiming {
    let profile = try ShippedProfilesTests.profiles.machine(machine)
    let laws = fitted ? try ShippedProfilesTests.gpu(machine, runtime: "ideal").laws : nil
    let topology = ClusterTopology(machine: profile, hosts: hosts)
    let part = members / hosts
    return try CollectiveTiming(
      topology: topology,
      devices: (0..<hosts).flatMap { topology.gpus(ofHost: $0).prefix(part) }, laws: laws)
  }

  /// Predicted over measured, and the two medians: of the ratio, and of its distance from 1.
  static func report(_ name: String, _ ratios: [Double]) -> (ratio: Double, error: Double) {
    let ratio = ratios.sorted()[ratios.count / 2]
    let errors = ratios.map { abs($0 - 1) }.sorted()
    let error = errors[errors.count / 2]
    print(
      String(
        format: "%@: %d points, median ratio %.3f, median error %.1f %%, 90th percentile %.1f %%",
        name, ratios.count, ratio, error * 100, errors[errors.count * 9 / 10] * 100))
    return (ratio, error)
  }

  /// NCCL's tables of ai-dynamo/aiconfigurator: with the fitted laws, and by data sheets alone.
  @Test(
    arguments: [
      ("h100_sxm", "h100-sxm-calibrated"), ("a100_sxm", "a100-sxm-calibrated"),
      ("l40s", "l40s-calibrated"),
    ])
  func nccl(system: String, machine: String) throws {
    let kinds = [
      "all_reduce": CollectiveLaw.Kind.allReduce, "all_gather": .allGather,
      "reduce_scatter": .reduceScatter, "alltoall": .allToAll,
    ]
    let most = try ShippedProfilesTests.profiles.machine(machine).gpus.count
    for fitted in [true, false] {
      var ratios: [Double] = []
      for row in try Self.rows("aiconfigurator/csv/comm_\(system)_nccl2.27.3_nccl_perf.csv") {
        guard row["nccl_dtype"] == "half", let kind = kinds[row["op_name"] ?? ""],
          let members = Int(row["num_gpus"] ?? ""), members <= most,
          let elements = Double(row["message_size"] ?? ""),
          let milliseconds = Double(row["latency"] ?? "")
        else { continue }
        let timing = try Self.timing(machine, members: members, fitted: fitted)
        ratios.append(timing.seconds(kind, bytes: 2 * elements) / (milliseconds * 1e-3))
      }
      #expect(ratios.count >= 100)
      let (ratio, error) = Self.report("\(system), \(fitted ? "fitted" : "data sheets")", ratios)
      if fitted {
        #expect(error < (system == "l40s" ? 0.2 : 0.1))
      } else {
        #expect((0.4...2.5).contains(ratio))
      }
    }
  }

  /// vLLM's own all-reduce of small buffers, in graphs: one or two shots, whose launch is not counted.
  @Test func customAllReduce() throws {
    var ratios: [Double] = []
    for row in try Self.rows(
      "aiconfigurator/csv/comm_h100_sxm_vllm0.24.0_custom_allreduce_perf.csv")
    where row["backend"] == "vllm_graph" {
      guard let members = Int(row["num_gpus"] ?? ""),
        let elements = Double(row["message_size"] ?? ""), elements <= 4_194_304,
        let milliseconds = Double(row["latency"] ?? "")
      else { continue }
      let timing = try Self.timing("h100-sxm-server", members: members, fitted: false)
      let seconds = timing.seconds(.allReduce, bytes: 2 * elements) - timing.exchange.launch
      ratios.append(seconds / (milliseconds * 1e-3))
    }
    let (ratio, _) = Self.report("vLLM's custom all-reduce, H100", ratios)
    #expect((0.1...1.5).contains(ratio))
  }

  /// A DGX A100 by microsoft/vidur: pairs that send, and all-reduces, within one host.
  @Test func dgxWithinAHost() throws {
    for (file, kind) in [("all_reduce", CollectiveLaw.Kind?.some(.allReduce)), ("send_recv", nil)] {
      for fitted in [true, false] {
        var ratios: [Double] = []
        for row in try Self.rows("vidur_network/a100_dgx_\(file).csv")
        where row["num_workers"] == row["devices_per_node"] {
          guard let members = Int(row["num_workers"] ?? ""), let bytes = Double(row["size"] ?? ""),
            let milliseconds = Double(row["time_stats.\(file).median"] ?? ""), bytes >= 1e6
          else { continue }
          let timing = try Self.timing("a100-sxm-calibrated", members: members, fitted: fitted)
          let seconds =
            kind.map { timing.seconds($0, bytes: bytes) }
            ?? timing.pointToPointSeconds(from: 0, to: 1, bytes: bytes)
          ratios.append(seconds / (milliseconds * 1e-3))
        }
        #expect(ratios.count >= 500)
        let (_, error) = Self.report(
          "DGX A100 \(file) of 1 MB and more, \(fitted ? "fitted" : "data sheets")", ratios)
        #expect(error < 0.5)
      }
    }
  }

  /// The same between two hosts, whose cards are slower than a DGX's: their rate is taken from pairs
  /// that send, and all-reduces of groups of two are predicted with it.
  @Test func dgxBetweenHosts() throws {
    func times(_ file: String, _ members: String) throws -> [(bytes: Double, seconds: Double)] {
      try Self.rows("vidur_network/a100_dgx_\(file).csv").compactMap { row in
        guard row["num_workers"] == members, row["devices_per_node"] != members,
          let bytes = Double(row["size"] ?? ""), bytes >= 1e7,
          let milliseconds = Double(row["time_stats.\(file).median"] ?? "")
        else { return nil }
        return (bytes, milliseconds * 1e-3)
      }
    }
    let rates = try times("send_recv", "2").map { $0.bytes / $0.seconds }.sorted()
    let rate = rates[rates.count / 2]
    print(String(format: "a pair of hosts sends at %.2f GB/s", rate / 1e9))
    let topology = try CollectiveSupport.topology(
      "{base: a100-sxm-server, network: {bandwidth: {nominal: \(rate) B/s, achievable: 1}}, topology: {nics: 8}}",
      hosts: 2)
    for members in [2, 4, 8, 16] {
      let timing = try CollectiveTiming(
        topology: topology,
        devices: (0..<2).flatMap { topology.gpus(ofHost: $0).prefix(members / 2) }, laws: nil)
      let ratios = try times("all_reduce", "\(members)")
        .map { timing.seconds(.allReduce, bytes: $0.bytes) / $0.seconds }
      let (ratio, _) = Self.report("DGX A100, all-reduce over two hosts, \(members) GPUs", ratios)
      if members == 2 { #expect((0.6...1.2).contains(ratio)) }
    }
  }
}
