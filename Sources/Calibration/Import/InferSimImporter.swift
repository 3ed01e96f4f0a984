// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// The benchmarks that come with InferSim (github.com/alibaba/InferSim, Apache-2.0).
///
/// Times are microseconds. What a file holds and the shape of attention are in its path:
/// `mha_decode_h20_32-8-128.csv`, or `bench_data/mha/decode/h20/32-8-128.csv` in the repository.
public struct InferSimImporter: TimingImporter {
  /// "infersim".
  public let name = "infersim"
  /// What is read, in one line.
  public let summary = "InferSim: GEMM, grouped GEMM, MHA, MLA, Gated DeltaNet (bench_data)"

  /// Creates the importer.
  public init() {}

  /// Reads one table.
  ///
  /// - Throws: As `TimingImporter.read`.
  public func read(
    _ path: String, options: ImportOptions, into result: inout ImportedTimings
  ) throws {
    let words = path.split(separator: "/").suffix(5).joined(separator: "_").lowercased()
      .split(separator: "_").map(String.init)
    let device = try options.device(of: path)
    let file = File(
      path: path, device: device,
      shape: (words.last ?? "").split(separator: ".")[0].split(separator: "-").compactMap {
        Int($0)
      })
    let isDecode = words.contains("decode")
    if words.contains("grouped") {
      try file.groupedProducts(isDecode: isDecode, into: &result)
    } else if words.contains("gemm") {
      try file.products(into: &result)
    } else if words.contains("mha"), file.shape.count == 3 {
      try isDecode ? file.decode(into: &result) : file.prefill(into: &result)
    } else if words.contains("mla"), file.shape.count == 3, isDecode {
      try file.latentDecode(into: &result)
    } else if words.contains("gdn"), file.shape.count == 5 {
      try isDecode ? file.scanDecode(into: &result) : file.scanPrefill(into: &result)
    } else if words.contains("mla") || words.contains("dsa") {
      result.skip("tables of MLA over prompts and of sparse attention")
    } else {
      throw Diagnostic(
        location: SourceLocation(origin: path),
        message: "expected gemm, grouped_gemm, mha, mla or gdn in the path, with the shape of "
          + "attention in the file's name (heads-kv_heads-head_size)")
    }
  }
}

extension InferSimImporter {
  /// One file.
  struct File {
    var path: String
    var device: String
    /// The numbers in the file's name.
    var shape: [Int]

    private func start(
      _ table: ImportTable, _ kernel: MeasuredKernel, microseconds: Double
    ) -> KernelMeasurement {
      KernelMeasurement(
        device: device, kernel: kernel, median: microseconds / 1e6,
        source: "infersim \(table.stem)")
    }

    /// DeepGEMM's product of FP8 values with scales for blocks of 128×128.
    func products(into result: inout ImportedTimings) throws {
      var table = try ImportTable(path, standardNames: ["m", "k", "n", "latency_us", "mfu"])
      try table.require(["m", "k", "n", "latency_us"])
      try table.forEachRow { row in
        var product = start(row, .gemm, microseconds: try row.number("latency_us"))
        product.m = try row.integer("m")
        product.n = try row.integer("n")
        product.k = try row.integer("k")
        product.precision = "fp8-128x128"
        product.implementation = "deepgemm"
        try result.add(product, at: row.location)
      }
    }

    /// Both products of a layer's experts; gate and up are one product of twice the width.
    ///
    /// The benchmark draws each expert's rows evenly from 0.7 to 1.3 of `tokens_per_expert`, which is
    /// a rounded mean: `tokens` here is the batch that gives just that mean.
    func groupedProducts(isDecode: Bool, into result: inout ImportedTimings) throws {
      var table = try ImportTable(path)
      try table.require([
        "num_experts", "num_local_experts", "topk", "hidden_size", "intermediate_size",
        "tokens_per_expert", "up_proj_us", "down_proj_us",
      ])
      try table.forEachRow { row in
        let (hidden, width) = (try row.integer("hidden_size"), try row.integer("intermediate_size"))
        let (experts, topK) = (try row.integer("num_experts"), try row.integer("topk"))
        let local = try row.integer("num_local_experts")
        let rows = try row.integer("tokens_per_expert")
        for (column, n, k) in [("up_proj_us", 2 * width, hidden), ("down_proj_us", hidden, width)] {
          var product = start(row, .groupedGEMM, microseconds: try row.number(column))
          product.tokens = max(1, Int((Double(rows * experts) / Double(topK)).rounded()))
          product.experts = local
          product.totalExperts = experts
          product.topK = topK
          product.routed = rows * local
          product.n = n
          product.k = k
          product.precision = "fp8-128x128"
          product.implementation = isDecode ? "deepgemm masked" : "deepgemm contiguous"
          product.distribution = "uniform_0.7_1.3"
          try result.add(product, at: row.location)
        }
      }
    }

    /// One file lacks its header, hence the standard names.
    func decode(into result: inout ImportedTimings) throws {
      try decode(.attentionDecode, implementation: "flashinfer", into: &result) { row in
        row.heads = shape[0]
        row.kvHeads = shape[1]
        row.headSize = shape[2]
      }
    }

    /// The name says heads, the latent's size and that of the rotary part; a token caches both.
    func latentDecode(into result: inout ImportedTimings) throws {
      try decode(.latentAttentionDecode, implementation: "flashinfer", into: &result) { row in
        row.heads = shape[0]
        row.headSize = shape[1] + shape[2]
      }
    }

    private func decode(
      _ kernel: MeasuredKernel, implementation: String, into result: inout ImportedTimings,
      shape set: (inout KernelMeasurement) -> Void
    ) throws {
      var table = try ImportTable(
        path,
        standardNames: ["dtype", "kv_dtype", "batch_size", "kv_len", "latency_us", "mfu"])
      try table.require(["dtype", "kv_dtype", "batch_size", "kv_len", "latency_us"])
      try table.forEachRow { row in
        var attention = start(row, kernel, microseconds: try row.number("latency_us"))
        set(&attention)
        attention.batch = try row.integer("batch_size")
        attention.query = 1
        attention.past = try row.integer("kv_len", from: 0)
        attention.precision = try row.precision("dtype")
        attention.kvPrecision = try row.precision("kv_dtype")
        attention.implementation = implementation
        try result.add(attention, at: row.location)
      }
    }

    /// FlashAttention-3, causal, one sequence.
    func prefill(into result: inout ImportedTimings) throws {
      var table = try ImportTable(path, standardNames: ["dtype", "seq_len", "latency_us", "mfu"])
      try table.require(["dtype", "seq_len", "latency_us"])
      try table.forEachRow { row in
        var attention = start(row, .attentionPrefill, microseconds: try row.number("latency_us"))
        attention.heads = shape[0]
        attention.kvHeads = shape[1]
        attention.headSize = shape[2]
        attention.batch = 1
        attention.query = try row.integer("seq_len")
        attention.past = 0
        attention.precision = try row.precision("dtype")
        attention.implementation = "flash_attn_3"
        try result.add(attention, at: row.location)
      }
    }

    /// The convolution and the update of the state, one after the other.
    func scanDecode(into result: inout ImportedTimings) throws {
      try scan(rows: "batchsize", parts: ["conv", "gdn_update"], into: &result) {
        $0.batch = $1
        $0.query = 1
      }
    }

    /// The convolution and the chunked scan, part by part, over one sequence.
    func scanPrefill(into result: inout ImportedTimings) throws {
      try scan(
        rows: "seq_len", parts: ["conv", "kkt", "tril", "wu", "chunk_gdn", "chunk_o"], into: &result
      ) {
        $0.batch = 1
        $0.query = $1
      }
    }

    /// The name says the convolution's length, key heads and size, value heads and size.
    private func scan(
      rows: String, parts: [String], into result: inout ImportedTimings,
      set: (inout KernelMeasurement, Int) -> Void
    ) throws {
      var table = try ImportTable(path)
      try table.require([rows] + parts)
      try table.forEachRow { row in
        let time = try parts.reduce(0) { try $0 + row.number($1) }
        var scan = start(row, .linearAttention, microseconds: time)
        set(&scan, try row.integer(rows))
        scan.heads = shape[3]
        scan.kvHeads = shape[1]
        scan.headSize = shape[4]
        scan.precision = "bf16"
        scan.implementation = "gated delta net, " + parts.joined(separator: " + ")
        try result.add(scan, at: row.location)
      }
    }
  }
}
