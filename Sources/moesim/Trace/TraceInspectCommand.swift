// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Experiments
import Reports
import Routing
import Units
import Workload

/// `moesim trace inspect`: what a trace holds.
struct TraceInspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what a request trace or a routing trace holds.")

  @Argument(help: "A trace: a path, or a name in traces/ or traces/routing/.")
  var trace: String

  @OptionGroup var source: RoutingTraceArguments
  @OptionGroup var options: ListingOptions

  func run() throws {
    try CommandFailure.guarded {
      let library = DataLibrary.standard
      guard let path = library.path(of: trace, .trace) else {
        throw library.missing(trace, .trace)
      }
      if try source.describes(path) {
        try options.write(Self.facts(try source.open(path)))
      } else {
        try options.write(Self.facts(try RequestTraceReader(path: path)))
      }
    }
  }

  /// What a request trace holds.
  static func facts(_ reader: RequestTraceReader) throws -> Facts {
    let statistics = try WorkloadStatistics(reading: reader)
    var facts = Facts()
    facts.add("kind", .text("requests"))
    facts.add("format", .text(reader.format.rawValue))
    facts.add("requests", .integer(Int64(statistics.count)))
    facts.add("span_s", .number(statistics.spanSeconds), number(statistics.spanSeconds, "s"))
    facts.add(
      "requests_per_second", statistics.rate.map { .number($0) } ?? .null,
      statistics.rate.map { number($0, "") })
    facts.add(
      "interarrival_cv", statistics.gapVariation.map { .number($0) } ?? .null,
      statistics.gapVariation.map { number($0, "") })
    for (name, lengths) in [
      ("prompt_tokens", statistics.prompt), ("output_tokens", statistics.output),
    ] {
      facts.add("\(name).mean", .number(lengths.mean), number(lengths.mean, ""))
      facts.add("\(name).min", .integer(Int64(lengths.minimum)))
      facts.add("\(name).p50", .integer(Int64(lengths.p50)))
      facts.add("\(name).p90", .integer(Int64(lengths.p90)))
      facts.add("\(name).p99", .integer(Int64(lengths.p99)))
      facts.add("\(name).max", .integer(Int64(lengths.maximum)))
    }
    if statistics.prefixBlockCount > 0 {
      facts.add("prefix_blocks.count", .integer(Int64(statistics.prefixBlockCount)))
      facts.add("prefix_blocks.tokens", .integer(Int64(reader.prefixBlockTokens)))
      facts.add(
        "prefix_blocks.repeat_share",
        statistics.prefixRepeatShare.map { .number($0) } ?? .null,
        statistics.prefixRepeatShare.map { number($0, "") })
    }
    return facts
  }

  /// What a routing trace holds.
  static func facts(_ file: RoutingTraceFile) throws -> Facts {
    var reader = try file.reader()
    var event = RoutingLayerEvent()
    var events = 0
    var tokens = [RoutingPhase.prefill: 0, .decode: 0]
    var passes = [RoutingPhase.prefill: 0, .decode: 0]
    var sequences = 0
    var last: Int?
    while try reader.next(into: &event) {
      events += 1
      if event.sequence != last {
        sequences += 1
        last = event.sequence
      }
      // Tokens are counted once, at the first layer.
      if event.layer == 0 {
        tokens[event.phase, default: 0] += event.tokens
        passes[event.phase, default: 0] += 1
      }
    }
    var facts = Facts()
    facts.add("kind", .text("routing"))
    facts.add("format", .text(reader.formatName))
    facts.add("shape.layers", .integer(Int64(reader.shape.layers)))
    facts.add("shape.experts", .integer(Int64(reader.shape.experts)))
    facts.add("shape.top_k", .integer(Int64(reader.shape.topK)))
    facts.add("gate_weights", .bool(reader.hasGateWeights))
    facts.add("ranked", .bool(reader.isRanked))
    facts.add("sequences", .integer(Int64(sequences)))
    facts.add("layer_events", .integer(Int64(events)))
    for (name, phase) in [("prefill", RoutingPhase.prefill), ("decode", .decode)] {
      facts.add("\(name).passes", .integer(Int64(passes[phase] ?? 0)))
      facts.add("\(name).tokens", .integer(Int64(tokens[phase] ?? 0)))
    }
    if let bytes = reader.expertBytes {
      let (low, high) = (bytes.min() ?? 0, bytes.max() ?? 0)
      facts.add("expert_bytes.min", .integer(low), QuantityFormat().string(Double(low), .bytes))
      facts.add("expert_bytes.max", .integer(high), QuantityFormat().string(Double(high), .bytes))
    }
    return facts
  }

  private static func number(_ value: Double, _ unit: String) -> String {
    QuantityFormat().number(value) + (unit.isEmpty ? "" : " \(unit)")
  }
}
