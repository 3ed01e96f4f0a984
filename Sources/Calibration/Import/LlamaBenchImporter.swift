// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Units

/// The output of llama.cpp's `llama-bench`: JSON, JSON Lines, CSV or the Markdown table.
///
/// A test is a whole model, so that its rows are `model_prefill` and `model_decode`: no kernel can be
/// fitted to them, but a fitted profile can be held against them. JSON lists the time of each
/// repetition in nanoseconds; CSV gives their mean, Markdown the mean rate in tokens per second:
/// there the mean stands for the median.
public struct LlamaBenchImporter: TimingImporter {
  /// "llama-bench".
  public let name = "llama-bench"
  /// What is read, in one line.
  public let summary = "llama-bench: whole models, prompts and generation (json, jsonl, csv, md)"

  /// The model may be named.
  public let usesModel = true

  /// Creates the importer.
  public init() {}

  /// Reads one output, in whichever of its formats.
  ///
  /// - Throws: As `TimingImporter.read`.
  public func read(
    _ path: String, options: ImportOptions, into result: inout ImportedTimings
  ) throws {
    let bytes = try CSVLines.bytes(of: path)
    let text = String(decoding: bytes, as: UTF8.self)
    let first = text.first { !$0.isWhitespace }
    switch first {
    case "[", "{": try readJSON(text, path, options, into: &result)
    case "|": try readMarkdown(text, path, options, into: &result)
    default: try readCSV(path, options, into: &result)
    }
  }

  /// One test as all formats tell it.
  struct Test {
    var model = ""
    var cpu = ""
    var gpu = ""
    var backends = ""
    var build = ""
    var gpuLayers: Int?
    var threads: Int?
    var cacheType = ""
    var prompt = 0
    var generated = 0
    var depth = 0
    var date = ""
    /// The time of each repetition [s], or the mean alone.
    var seconds: [Double] = []
    var isMean = false
  }

  private func add(
    _ test: Test, at place: SourceLocation, _ options: ImportOptions,
    into result: inout ImportedTimings
  ) throws {
    guard test.prompt == 0 || test.generated == 0 else {
      result.skip("a prompt and generation in one test")
      return
    }
    let usesGPU =
      !test.gpu.isEmpty && test.gpuLayers != 0 && test.backends != "CPU" && test.backends != "BLAS"
    guard
      let device = options.device ?? [usesGPU ? test.gpu : test.cpu].first(where: { !$0.isEmpty })
    else {
      throw Diagnostic(
        location: place, message: "the output tells no device; name it with --device")
    }
    let times = test.seconds.sorted()
    let middle = times.count / 2
    var row = KernelMeasurement(
      device: device, kernel: test.generated > 0 ? .modelDecode : .modelPrefill,
      median: times.count % 2 == 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2,
      source: "llama-bench")
    if !test.isMean {
      row.minimum = times.first
      row.maximum = times.last
      row.repeats = times.count
    }
    row.model = options.model?.name ?? test.model
    row.batch = 1
    row.query = max(test.prompt, test.generated)
    row.past = test.depth
    row.threads = test.threads
    row.precision = Self.format(in: test.model)
    row.kvPrecision = Self.format(in: test.cacheType)
    row.date = test.date.isEmpty ? nil : String(test.date.prefix(10))
    let layers = test.gpuLayers.map { $0 < 0 ? "layers placed by itself" : "\($0) layers on GPU" }
    row.implementation = [
      "llama.cpp" + (test.build.isEmpty ? "" : " b\(test.build)"),
      test.backends.isEmpty ? nil : test.backends, usesGPU ? layers : nil,
    ].compactMap { $0 }.joined(separator: ", ")
    try result.add(row, at: place)
  }

  /// The format that a description of a model names, as in "qwen2 7B Q4_K - Medium".
  static func format(in text: String) -> String? {
    for word in text.split(separator: " ") {
      if let format = try? NumberFormat(parsing: String(word)) { return format.name }
    }
    return nil
  }
}

extension LlamaBenchImporter {
  private func readJSON(
    _ text: String, _ path: String, _ options: ImportOptions, into result: inout ImportedTimings
  ) throws {
    if text.first(where: { !$0.isWhitespace }) == "[" {
      let root = try ConfigurationNode.parse(text, file: path)
      for node in root.sequence ?? [] {
        try add(try test(node, line: node.location.line), at: node.location, options, into: &result)
      }
      return
    }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where line.contains(where: { !$0.isWhitespace }) {
      let node: ConfigurationNode
      do {
        node = try ConfigurationNode.parse(String(line), file: path)
      } catch {
        // Each line is a document of its own, so that its errors are all on line 1.
        throw Diagnostics(
          error.all.map { diagnostic in
            var diagnostic = diagnostic
            diagnostic.location?.line = index + 1
            return diagnostic
          })
      }
      let place = SourceLocation(file: path, line: index + 1, column: 1)
      try add(try test(node, line: index + 1), at: place, options, into: &result)
    }
  }

  private func test(_ node: ConfigurationNode, line: Int) throws -> Test {
    func fail(_ key: String, _ message: String) -> Diagnostic {
      var place = node[key]?.location ?? node.location
      if place.line < line { place.line = line }
      return Diagnostic(location: place, path: key, message: message)
    }
    guard node.mapping != nil else {
      throw fail("", "expected an object of llama-bench; found \(node.kindInWords)")
    }
    func count(_ key: String) throws -> Int {
      guard let text = node[key]?.scalar, let number = Int(text), number >= 0 else {
        throw fail(
          key, "expected a whole number of at least 0; found \(node[key]?.kindInWords ?? "nothing")"
        )
      }
      return number
    }
    var test = Test()
    func text(_ key: String) -> String { node[key]?.scalar ?? "" }
    (test.model, test.cpu, test.gpu) = (text("model_type"), text("cpu_info"), text("gpu_info"))
    (test.backends, test.build) = (text("backends"), text("build_number"))
    test.gpuLayers = Int(text("n_gpu_layers"))
    test.threads = Int(text("n_threads"))
    (test.cacheType, test.date) = (text("type_k"), text("test_time"))
    test.prompt = try count("n_prompt")
    test.generated = try count("n_gen")
    test.depth = node["n_depth"] == nil ? 0 : try count("n_depth")
    let samples = node["samples_ns"]?.sequence ?? []
    test.seconds = try samples.map {
      guard let text = $0.scalar, let number = Double(text), number > 0 else {
        throw fail("samples_ns", "expected times above 0; found \($0.kindInWords)")
      }
      return number / 1e9
    }
    if test.seconds.isEmpty {
      guard let mean = Double(text("avg_ns")), mean > 0 else {
        throw fail("samples_ns", "expected the times of the repetitions, or avg_ns")
      }
      test.seconds = [mean / 1e9]
      test.isMean = true
    }
    return test
  }

  private func readCSV(
    _ path: String, _ options: ImportOptions, into result: inout ImportedTimings
  ) throws {
    var table = try ImportTable(path)
    try table.require(["model_type", "n_prompt", "n_gen", "avg_ns"])
    try table.forEachRow { row in
      var test = Test()
      (test.model, test.cpu, test.gpu) = (
        row.text("model_type"), row.text("cpu_info"), row.text("gpu_info")
      )
      (test.backends, test.build) = (row.text("backends"), row.text("build_number"))
      test.gpuLayers = Int(row.text("n_gpu_layers"))
      test.threads = Int(row.text("n_threads"))
      (test.cacheType, test.date) = (row.text("type_k"), row.text("test_time"))
      test.prompt = try row.integer("n_prompt", from: 0)
      test.generated = try row.integer("n_gen", from: 0)
      test.depth = row.hasValue("n_depth") ? try row.integer("n_depth", from: 0) : 0
      test.seconds = [try row.number("avg_ns") / 1e9]
      test.isMean = true
      try add(test, at: row.location, options, into: &result)
    }
  }

  /// `| qwen2 7B Q4_K - Medium | 4.36 GiB | 7.62 B | CUDA | 99 | pp512 @ d512 | 6425.91 ± 18.88 |`
  private func readMarkdown(
    _ text: String, _ path: String, _ options: ImportOptions, into result: inout ImportedTimings
  ) throws {
    var names: [String] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    where line.hasPrefix("|") {
      let place = SourceLocation(file: path, line: index + 1, column: 1)
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
        .dropFirst().dropLast().map { $0.trimmingCharacters(in: .whitespaces) }
      if names.isEmpty {
        names = cells
        for name in ["model", "test", "t/s"] where !names.contains(name) {
          throw Diagnostic(location: place, path: name, message: "expected a column of this name")
        }
        continue
      }
      if cells.allSatisfy({ $0.allSatisfy { $0 == "-" || $0 == ":" || $0 == " " } }) { continue }
      guard cells.count == names.count else {
        throw Diagnostic(
          location: place,
          message: "expected \(names.count) cells, as in the header; found \(cells.count)")
      }
      func cell(_ name: String) -> String { names.firstIndex(of: name).map { cells[$0] } ?? "" }
      var test = Test()
      (test.model, test.backends) = (cell("model"), cell("backend"))
      (test.cacheType, test.gpuLayers) = (cell("type_k"), Int(cell("ngl")))
      test.threads = Int(cell("threads"))
      try Self.parse(cell("test"), into: &test, at: place)
      let rate = cell("t/s").split(separator: " ").first.map(String.init) ?? ""
      guard let perSecond = Double(rate), perSecond > 0 else {
        throw Diagnostic(
          location: place, path: "t/s", message: "expected a rate above 0; found '\(cell("t/s"))'")
      }
      test.seconds = [Double(test.prompt + test.generated) / perSecond]
      test.isMean = true
      try add(test, at: place, options, into: &result)
    }
  }

  /// "pp512", "tg 128", "pp512 @ d512", "pp512+tg128".
  static func parse(_ name: String, into test: inout Test, at place: SourceLocation) throws {
    let wrong = Diagnostic(
      location: place, path: "test", message: "expected pp512, tg128 and the like; found '\(name)'")
    let parts = name.replacingOccurrences(of: " ", with: "").split(separator: "@")
    guard let kinds = parts.first?.split(separator: "+"), parts.count <= 2 else { throw wrong }
    for kind in kinds {
      guard let number = Int(kind.dropFirst(2)), number > 0 else { throw wrong }
      switch kind.prefix(2) {
      case "pp": test.prompt = number
      case "tg": test.generated = number
      default: throw wrong
      }
    }
    if parts.count == 2 {
      guard parts[1].hasPrefix("d"), let depth = Int(parts[1].dropFirst()), depth >= 0 else {
        throw wrong
      }
      test.depth = depth
    }
  }
}
