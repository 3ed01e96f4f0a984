// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// The tables of mixtures that Frontier's profiler measured (github.com/NetX-lab/Frontier, MIT).
///
/// Times are milliseconds. Tensor parallelism divides `expert_hidden_dim`. The load is as it was:
/// `routed` pairs of a token and an expert on this device (in older tables all tokens' choices fall
/// on the device's experts, in newer ones its share), `load_ratio`, `activated`.
public struct FrontierImporter: TimingImporter {
  /// "frontier".
  public let name = "frontier"
  /// What is read, in one line.
  public let summary = "Frontier: experts under realised load, router, permutation (moe.csv)"

  /// Creates the importer.
  public init() {}

  /// Reads one table.
  ///
  /// - Throws: As `TimingImporter.read`.
  public func read(
    _ path: String, options: ImportOptions, into result: inout ImportedTimings
  ) throws {
    var table = try ImportTable(path)
    let device = try options.device(of: path)
    try table.require([
      "num_tokens", "num_experts", "router_topk", "hidden_dim", "expert_hidden_dim",
      "total_routed_tokens", "expert_utilization", "max_load_ratio", "profiling_precision",
      Self.time("moe_grouped_gemm"),
    ])
    let source = "frontier \(table.stem)"
    try table.forEachRow { row in
      if row.hasValue(Self.time("moe_grouped_gemm")) {
        try result.add(try experts(row, device, source), at: row.location)
      }
      let (linear, choice) = (Self.time("moe_gating_linear"), Self.time("moe_gating_routing_topk"))
      if row.hasValue(linear), row.hasValue(choice) {
        var gate = KernelMeasurement(
          device: device, kernel: .gate,
          median: (try row.number(linear) + row.number(choice)) / 1e3, source: source)
        gate.tokens = try row.integer("num_tokens")
        gate.experts = try row.integer("num_experts")
        gate.topK = try row.integer("router_topk")
        gate.hidden = try row.integer("hidden_dim")
        gate.precision = try row.precision("profiling_precision")
        gate.implementation = ["gating_linear + routing_topk", context(row)].joined(separator: ", ")
        try result.add(gate, at: row.location)
      }
      if row.hasValue(Self.time("moe_shuffling")) {
        var shuffling = KernelMeasurement(
          device: device, kernel: .elementwise,
          median: try row.number(Self.time("moe_shuffling")) / 1e3, source: source)
        shuffling.tokens = try row.integer("total_routed_tokens")
        shuffling.hidden = try row.integer("hidden_dim")
        shuffling.precision = try row.precision("profiling_precision")
        shuffling.implementation = ["moe_shuffling", context(row)].joined(separator: ", ")
        try result.add(shuffling, at: row.location)
      }
    }
  }

  private static func time(_ operation: String) -> String { "time_stats.\(operation).median" }

  /// Whether other kernels kept the GPU at work just before, which is much of a small kernel's time.
  private func context(_ row: ImportTable) -> String {
    row.hasValue("gating_runtime_context") ? row.text("gating_runtime_context") : "standalone"
  }

  private func experts(
    _ row: ImportTable, _ device: String, _ source: String
  ) throws -> KernelMeasurement {
    var result = KernelMeasurement(
      device: device, kernel: .fusedExperts,
      median: try row.number(Self.time("moe_grouped_gemm")) / 1e3, source: source)
    result.implementation = "moe_grouped_gemm"
    result.precision = try row.precision("profiling_precision")
    result.tokens = try row.integer("num_tokens")
    let total = try row.integer("num_experts")
    result.totalExperts = total
    let experts =
      row.has("num_experts_per_device") ? try row.integer("num_experts_per_device") : total
    result.experts = experts
    result.topK = try row.integer("router_topk")
    result.hidden = try row.integer("hidden_dim")
    let parts =
      row.has("num_tensor_parallel_workers") ? try row.integer("num_tensor_parallel_workers") : 1
    result.width = try row.quotient("expert_hidden_dim", by: parts)
    result.routed = try row.integer("total_routed_tokens")
    result.activated = Int((try row.number("expert_utilization") * Double(experts)).rounded())
    result.loadRatio = try row.number("max_load_ratio")
    result.distribution = "realised"
    return result
  }
}
