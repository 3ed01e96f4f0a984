// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// The tables of NVIDIA aiconfigurator (github.com/ai-dynamo/aiconfigurator, Apache-2.0), as CSV.
///
/// The name of a file says the device, the runtime and its version: `gemm_h100_sxm_vllm0.24.0.csv`,
/// `comm_a100_sxm_nccl2.27.3_nccl_perf.csv`. What a file holds is told by its columns. Times are
/// milliseconds, but microseconds of expert exchanges; sizes of messages are numbers of values.
public struct AIConfiguratorImporter: TimingImporter {
  /// "aiconfigurator".
  public let name = "aiconfigurator"
  /// What is read, in one line.
  public let summary =
    "NVIDIA aiconfigurator: MoE, GEMM, attention, MLA, collectives, expert exchanges (CSV)"

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
    let kind = try Kind(of: table)
    try table.require(kind.columns)
    let source = "aiconfigurator \(table.stem)"
    let context = Context(device: device, source: source)
    try table.forEachRow { row in
      for measurement in try context.measurements(of: row, kind) {
        try result.add(measurement, at: row.location)
      }
    }
  }
}

extension AIConfiguratorImporter {
  /// What a file holds.
  enum Kind {
    case experts, gemm, prefill, decode, latentDecode, nccl, allReduce
    case deepEPLowLatency, deepEPNormal, exchange

    /// Tells the kind by the columns, since the names of files differ between versions.
    init(of table: ImportTable) throws {
      let name = table.fileName.lowercased()
      if table.has("moe_dtype") {
        self = .experts
      } else if table.has("gemm_dtype") {
        self = .gemm
      } else if table.has("mla_dtype") {
        guard !name.contains("context") else {
          throw Diagnostic(
            location: SourceLocation(origin: table.path),
            message: "tables of latent attention over prompts are not read; expected mla_generation"
          )
        }
        self = .latentDecode
      } else if table.has("attn_dtype") {
        self = name.contains("generation") ? .decode : .prefill
      } else if table.has("nccl_dtype") {
        self = .nccl
      } else if table.has("allreduce_dtype") {
        self = .allReduce
      } else if table.has("combine_avg_t_us") {
        self = .deepEPLowLatency
      } else if table.has("combine_transmit_us") {
        self = .deepEPNormal
      } else if table.has("comm_backend"), table.has("phase") {
        self = .exchange
      } else {
        throw Diagnostic(
          location: SourceLocation(file: table.path, line: 1, column: 1),
          message: "the columns are those of no table of aiconfigurator that is known here")
      }
    }

    /// The columns that are read.
    var columns: [String] {
      switch self {
      case .experts:
        [
          "kernel_source", "moe_dtype", "num_tokens", "hidden_size", "inter_size", "topk",
          "num_experts", "moe_tp_size", "moe_ep_size", "distribution", "latency_ms",
        ]
      case .gemm: ["kernel_source", "gemm_dtype", "m", "n", "k", "latency_ms"]
      case .prefill, .decode:
        [
          "kernel_source", "batch_size", "isl", "num_heads", "num_key_value_heads", "head_dim",
          "attn_dtype", "kv_cache_dtype", "step", "latency_ms",
        ]
      case .latentDecode:
        [
          "kernel_source", "architecture", "gemm_type", "kv_cache_dtype", "num_heads", "batch_size",
          "step", "latency_ms",
        ]
      case .nccl: ["op_name", "nccl_dtype", "num_gpus", "message_size", "latency"]
      case .allReduce:
        ["kernel_source", "allreduce_dtype", "num_gpus", "message_size", "latency"]
      case .deepEPLowLatency:
        [
          "node_num", "hidden_size", "num_token", "num_topk", "num_experts", "combine_avg_t_us",
          "combine_bandwidth_gbps", "dispatch_avg_t_us", "dispatch_bandwidth_gbps",
        ]
      case .deepEPNormal:
        [
          "node_num", "hidden_size", "num_token", "num_topk", "num_experts", "dispatch_sms",
          "dispatch_transmit_us", "dispatch_notify_us", "combine_sms", "combine_transmit_us",
          "combine_notify_us",
        ]
      case .exchange:
        [
          "comm_backend", "phase", "ep_size", "node_num", "hidden_size", "topk", "num_experts",
          "num_tokens", "sms", "latency",
        ]
      }
    }
  }

  /// What all rows of a file share.
  struct Context {
    var device: String
    var source: String

    func measurements(of row: ImportTable, _ kind: Kind) throws -> [KernelMeasurement] {
      switch kind {
      case .experts: [try experts(row)]
      case .gemm: [try gemm(row)]
      case .prefill: [try prefill(row)]
      case .decode: [try decode(row)]
      case .latentDecode: [try latentDecode(row)]
      case .nccl: [try nccl(row)]
      case .allReduce: [try allReduce(row)]
      case .deepEPLowLatency: try lowLatency(row)
      case .deepEPNormal: try normal(row)
      case .exchange: [try exchange(row)]
      }
    }

    private func start(_ kernel: MeasuredKernel, _ seconds: Double) -> KernelMeasurement {
      KernelMeasurement(device: device, kernel: kernel, median: seconds, source: source)
    }

    /// Tensor parallelism divides the width of experts; expert parallelism their number on the
    /// device, while the tokens of the row are routed over all of them.
    private func experts(_ row: ImportTable) throws -> KernelMeasurement {
      var result = start(.fusedExperts, try row.number("latency_ms") / 1e3)
      result.implementation = row.text("kernel_source")
      result.precision = try row.precision("moe_dtype")
      result.tokens = try row.integer("num_tokens")
      result.hidden = try row.integer("hidden_size")
      result.width = try row.quotient("inter_size", by: row.integer("moe_tp_size"))
      result.topK = try row.integer("topk")
      result.totalExperts = try row.integer("num_experts")
      result.experts = try row.quotient("num_experts", by: row.integer("moe_ep_size"))
      result.distribution = distribution(row.text("distribution"))
      if isRecent, Self.ungatedShapes.contains([result.hidden, try row.integer("inter_size")]) {
        result.matrices = 2
      }
      return result
    }

    /// Whether the collector is of the generation of vLLM 0.24.
    ///
    /// It then times experts of Nemotron models without a gate (two matrices), as they are, and draws
    /// loads as `ExpertLoads.Skew.perDevice` says; before it gave all experts three matrices, and drew
    /// as `.smallestFirst`.
    private var isRecent: Bool { !source.contains("vllm0.14") }

    private func distribution(_ text: String) -> String {
      guard !isRecent, text.hasPrefix("power_law_") else { return text }
      return "power_law_smallest_first_" + text.dropFirst("power_law_".count)
    }

    /// Hidden size and width of experts of the Nemotron 3 models (squared ReLU, no gate).
    private static let ungatedShapes: [[Int?]] = [
      [2_688, 1_856], [2_048, 5_120], [1_024, 2_688],
    ]

    private func gemm(_ row: ImportTable) throws -> KernelMeasurement {
      var result = start(.gemm, try row.number("latency_ms") / 1e3)
      result.implementation = row.text("kernel_source")
      result.precision = try row.precision("gemm_dtype")
      result.m = try row.integer("m")
      result.n = try row.integer("n")
      result.k = try row.integer("k")
      return result
    }

    private func attention(
      _ row: ImportTable, _ kernel: MeasuredKernel
    ) throws -> KernelMeasurement {
      var result = start(kernel, try row.number("latency_ms") / 1e3)
      result.implementation = row.text("kernel_source")
      result.batch = try row.integer("batch_size")
      result.query = try row.integer("isl")
      result.past = try row.integer("step", from: 0)
      result.heads = try row.integer("num_heads")
      result.kvHeads = try row.integer("num_key_value_heads")
      result.headSize = try row.integer("head_dim")
      result.precision = try row.precision("attn_dtype")
      result.kvPrecision = try row.precision("kv_cache_dtype")
      return result
    }

    private func prefill(_ row: ImportTable) throws -> KernelMeasurement {
      try attention(row, .attentionPrefill)
    }

    private func decode(_ row: ImportTable) throws -> KernelMeasurement {
      let result = try attention(row, .attentionDecode)
      guard result.query == 1 else {
        throw row.diagnostic("isl", "expected 1, a generated token; found \(result.query ?? 0)")
      }
      return result
    }

    /// The collector times the whole attention module, projections included.
    private func latentDecode(_ row: ImportTable) throws -> KernelMeasurement {
      let architecture = row.text("architecture")
      guard let headSize = Self.latentSizes[architecture] else {
        throw row.diagnostic(
          "architecture",
          "expected one whose latent size is known (\(Self.latentSizes.keys.sorted().joined(separator: ", ")));"
            + " found '\(architecture)'")
      }
      var result = start(.latentAttentionDecode, try row.number("latency_ms") / 1e3)
      result.implementation = "\(row.text("kernel_source")) with projections"
      result.batch = try row.integer("batch_size")
      result.query = 1
      result.past = try row.integer("step", from: 0)
      result.heads = try row.integer("num_heads")
      result.headSize = headSize
      result.hidden = Self.hiddenSizes[architecture]
      result.precision = try row.precision("gemm_type")
      result.kvPrecision = try row.precision("kv_cache_dtype")
      return result
    }

    /// `hidden_size` of the models' config.json, where an architecture has one only.
    private static let hiddenSizes: [String: Int] = ["DeepseekV3ForCausalLM": 7_168]

    /// Values cached per token: `kv_lora_rank` and `qk_rope_head_dim` of the models' config.json.
    private static let latentSizes: [String: Int] = [
      "DeepseekV3ForCausalLM": 512 + 64, "DeepseekV2ForCausalLM": 512 + 64,
    ]
  }
}
