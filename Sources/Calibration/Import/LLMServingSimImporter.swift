// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import ModelDescriptors

/// The tables that LLMServingSim's profiler measured (github.com/casys-kaist/LLMServingSim, MIT).
///
/// The newer tables (`attention.csv`, `dense.csv`, `moe.csv`, `per_sequence.csv`) are microseconds,
/// the older ones (`layer_name,input,kv_cache,tp_size,latency(ns)`) nanoseconds. None says a shape:
/// they follow from the model and from the degree of tensor parallelism, which a folder or the
/// beginning of the file's name says (`tp2/dense.csv`, `tp2_dense.csv`). `meta.yaml` beside the
/// tables (or one folder up) names device and model.
public struct LLMServingSimImporter: TimingImporter {
  /// "llmservingsim".
  public let name = "llmservingsim"
  /// What is read, in one line.
  public let summary = "LLMServingSim: MoE by activated experts, attention, dense layers"

  /// The model may be named.
  public let usesModel = true

  /// Creates the importer.
  public init() {}

  /// Reads one table.
  ///
  /// - Throws: As `TimingImporter.read`; a diagnostic when no model is known.
  public func read(
    _ path: String, options: ImportOptions, into result: inout ImportedTimings
  ) throws {
    var table = try ImportTable(path)
    let notes = try Self.notes(beside: path)
    let device = try options.device ?? notes.device ?? options.device(of: path)
    guard let model = try options.model ?? notes.model.flatMap(Self.model) else {
      let hint = notes.model.map { "; its meta.yaml names '\($0)', which is in no models/" } ?? ""
      throw Diagnostic(
        location: SourceLocation(origin: path),
        message: "the shapes are those of a model: name it with --model" + hint)
    }
    guard let shapes = LayerShapes(of: model) else {
      throw Diagnostic(
        location: SourceLocation(origin: path),
        message: "'\(model.name)' has no layer with grouped attention, which the tables are of")
    }
    var start = KernelMeasurement(
      device: device, kernel: .launch, median: 1,
      source: "llmservingsim \(model.name) \(table.stem)")
    start.precision = notes.precision ?? "bf16"
    start.implementation = notes.runtime
    start.date = notes.date
    let parts = Self.parallelism(of: path)
    if table.has("latency(ns)") {
      start.implementation = "transformers"
      try Self.layers(&table, start, shapes, into: &result)
    } else if table.has("activated_experts") {
      try Self.experts(&table, start, shapes, into: &result)
    } else if table.has("prefill_chunk") {
      try Self.attention(&table, start, shapes, try parts ?? Self.unknownParts(path), into: &result)
    } else if table.has("layer"), table.has("time_us") {
      let parts = try parts ?? Self.unknownParts(path)
      let rows = table.has("sequences") ? "sequences" : "tokens"
      try table.require([rows])
      try table.forEachRow { row in
        try shapes.add(
          layer: row.text("layer"), tokens: try row.integer(rows), parts: parts,
          seconds: try row.number("time_us") / 1e6, row, start, into: &result)
      }
    } else {
      throw Diagnostic(
        location: SourceLocation(file: path, line: 1, column: 1),
        message: "the columns are those of no table of LLMServingSim that is known here")
    }
  }

  private static func unknownParts(_ path: String) throws -> Int {
    throw Diagnostic(
      location: SourceLocation(origin: path),
      message: "expected the degree of tensor parallelism in the path, as in tp2/ or tp2_")
  }

  /// The degree of tensor parallelism that a path says.
  static func parallelism(of path: String) -> Int? {
    for part in path.split(separator: "/").suffix(2).reversed() where part.hasPrefix("tp") {
      let digits = part.dropFirst(2).prefix { $0.isASCII && $0.isNumber }
      if let number = Int(digits), number > 0 { return number }
    }
    return nil
  }

  /// What `meta.yaml` says.
  struct Notes {
    var device: String?
    var model: String?
    var precision: String?
    var runtime: String?
    var date: String?
  }

  static func notes(beside path: String) throws -> Notes {
    var folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    for _ in 0..<2 {
      let file = (folder + ["meta.yaml"]).joined(separator: "/")
      if FileManager.default.fileExists(atPath: file) {
        let node = try ConfigurationNode.load(path: file)
        var notes = Notes(device: node["gpu"]?.scalar, model: node["model"]?.scalar)
        let variant = node["variant"]?.scalar?.split(separator: "-").first
        notes.precision = variant.flatMap { ImportedNames.precision(String($0)) }
        notes.runtime = node["vllm_version"]?.scalar.map { "vllm \($0)" }
        notes.date = node["profiled_at"]?.scalar.map { String($0.prefix(10)) }
        return notes
      }
      if folder.isEmpty { break }
      folder = folder.dropLast()
    }
    return Notes()
  }

  /// The descriptor whose name begins a repository's name: "Qwen/Qwen3-30B-A3B-Instruct-2507".
  static func model(_ name: String) throws -> ModelDescriptor? {
    let library = ModelLibrary.standard()
    let wanted = (name.split(separator: "/").last ?? "").lowercased()
    let best = library.names.filter { wanted.hasPrefix($0) }.max { $0.count < $1.count }
    return try best.map { try library.model(named: $0) }
  }

  /// One MoE block of one device with all experts: the router's product and the experts.
  private static func experts(
    _ table: inout ImportTable, _ start: KernelMeasurement, _ shapes: LayerShapes,
    into result: inout ImportedTimings
  ) throws {
    try table.require(["tokens", "activated_experts", "time_us"])
    guard let mixture = shapes.mixture else {
      throw Diagnostic(
        location: SourceLocation(origin: table.path), message: "the model has no experts")
    }
    try table.forEachRow { row in
      var block = start
      block.kernel = .fusedExperts
      block.median = try row.number("time_us") / 1e6
      block.implementation = [start.implementation, "MoE block with its router"]
        .compactMap { $0 }.joined(separator: ", ")
      block.tokens = try row.integer("tokens")
      block.activated = try row.integer("activated_experts")
      block.experts = mixture.experts
      block.topK = mixture.topK
      block.hidden = mixture.expertInput
      block.width = mixture.expert.width
      // The profiler deals tokens out to as many experts as it wants to activate.
      block.distribution = "forced"
      try result.add(block, at: row.location)
    }
  }

  private static func attention(
    _ table: inout ImportTable, _ start: KernelMeasurement, _ shapes: LayerShapes, _ parts: Int,
    into result: inout ImportedTimings
  ) throws {
    try table.require(["prefill_chunk", "kv_prefill", "n_decode", "kv_decode", "time_us"])
    try table.forEachRow { row in
      let chunk = try row.integer("prefill_chunk", from: 0)
      let sequences = try row.integer("n_decode", from: 0)
      guard chunk == 0 || sequences == 0 else {
        result.skip("attention over a prompt and generated tokens in one launch")
        return
      }
      var attention = start
      attention.kernel = chunk > 0 ? .attentionPrefill : .attentionDecode
      attention.median = try row.number("time_us") / 1e6
      attention.batch = chunk > 0 ? 1 : sequences
      attention.query = chunk > 0 ? chunk : 1
      attention.past = try row.integer(chunk > 0 ? "kv_prefill" : "kv_decode", from: 0)
      attention.heads = max(1, shapes.attention.heads / parts)
      attention.kvHeads = max(1, shapes.attention.keyValueHeads / parts)
      attention.headSize = shapes.attention.headWidth
      try result.add(attention, at: row.location)
    }
  }

  /// The older table; an expert's matrices are those of one expert.
  private static func layers(
    _ table: inout ImportTable, _ start: KernelMeasurement, _ shapes: LayerShapes,
    into result: inout ImportedTimings
  ) throws {
    try table.require(["layer_name", "input", "kv_cache", "tp_size"])
    try table.forEachRow { row in
      try shapes.add(
        layer: row.text("layer_name"), tokens: try row.integer("input"),
        parts: try row.integer("tp_size"), seconds: try row.number("latency(ns)") / 1e9, row, start,
        into: &result)
    }
  }
}
