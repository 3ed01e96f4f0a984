// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Experiments
import Foundation
import Records
import Reports
import Residency
import Routing
import Units

/// `moesim cache`: hit curves of recorded routing, without timing.
struct CacheCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache",
    abstract: "Replay recorded routing through the engine's expert cache, without timing.",
    discussion: """
      A layer's expert set is one event: hits are judged before it, its members are then touched in \
      the order of --touch-order, and none of them is evicted by it. A set larger than the cache \
      keeps its heaviest members. Slots are rounded down.
      """)

  @Argument(help: "A routing trace: bigmoeonedge, topk-bytes, moesim or set-events.")
  var trace: String

  @Option(help: "Eviction rules, separated by commas: lru, lfu, fifo, static, belady.")
  var eviction: String = "lru"

  @Option(help: "Capacities, separated by commas: a share of a pool's experts, a count, or bytes.")
  var capacity: String

  @Option(help: "per-layer: a pool for each layer; global: one for all.")
  var pool: PoolPlan.Scope = .perLayer

  @Option(help: "When caches are emptied: request (each recorded sequence) or never.")
  var reset: CacheReplayOptions.Reset = .never

  @Option(help: "Which accesses are counted: decode, prefill or all.")
  var phase: CacheReplayOptions.Phase = .all

  @Option(help: "The order in which members of a set are touched: weight or recorded.")
  var touchOrder: TouchOrderArgument = .weight

  @Option(help: "The size of an expert, where the trace does not say it, e.g. '13.5 MiB'.")
  var expertBytes: String?

  @Flag(help: "Draw hit rates along capacity in place of the table, a curve for each rule.")
  var plot = false

  @OptionGroup var source: RoutingTraceArguments
  @OptionGroup var options: ListingOptions

  func validate() throws {
    if plot, options.format != .table {
      throw ValidationError("--plot draws with characters, not in \(options.format.rawValue).")
    }
  }

  func run() throws {
    try CommandFailure.guarded {
      let result = try replay()
      for notice in result.notices { StandardError.print("note: \(notice)") }
      if plot {
        let curves = Self.curves(result.results)
        let lines = curves.lines(style: PlottedFigure.style(options.output))
        return try PlottedFigure.write(lines, to: options.output)
      }
      if options.format == .json {
        let text = try JSONText.text(encoding: result.results)
        return try OutputWriter.write(text + "\n", to: options.output)
      }
      try options.write(Self.listing(result.results))
    }
  }

  private func replay() throws -> CacheReplayStudy.Report {
    func list(_ text: String) -> [String] {
      text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    var options = CacheReplayOptions(
      evictions: list(eviction),
      capacities: try list(capacity).map { try CacheCapacity(parsing: $0) })
    options.pool = pool
    options.reset = reset
    options.phase = phase
    options.touchOrder = touchOrder == .weight ? .weight : .recorded
    if let expertBytes {
      do {
        let bytes = try Quantity(parsing: expertBytes, as: .bytes).value
        guard bytes >= 1, bytes < 9e18 else { throw ValidationError("it is out of range") }
        options.expertBytes = Int64(bytes)
      } catch {
        throw ValidationError("--expert-bytes '\(expertBytes)': \(error)")
      }
    }
    let study = try CacheReplayStudy(options: options)
    let library = DataLibrary.standard
    guard let path = library.path(of: trace, .trace) else { throw library.missing(trace, .trace) }
    var reader = try source.open(path).reader()
    return try study.run(&reader)
  }

  private static func curves(_ results: [CacheReplayResult]) -> CurvePlot {
    var series: [CurvePlot.Series] = []
    for result in results {
      guard let rate = result.hitRate else { continue }
      if !series.contains(where: { $0.name == result.eviction }) {
        series.append(CurvePlot.Series(name: result.eviction, points: []))
      }
      let index = series.firstIndex { $0.name == result.eviction } ?? 0
      series[index].points.append((Double(result.capacityExperts), rate * 100))
    }
    let pool = results.first.map { " (\($0.pool))" } ?? ""
    return CurvePlot(series, x: "cache capacity [experts]\(pool)", y: "hit rate [%]")
  }

  private static func listing(_ results: [CacheReplayResult]) -> Listing {
    var listing = Listing([
      ("eviction", "eviction", false, 0), ("pool", "pool", false, 3),
      ("capacity_experts", "experts", true, 0), ("capacity_bytes", "bytes", true, 4),
      ("accesses", "accesses", true, 2), ("hits", "hits", true, 1),
      ("hit_rate", "hit rate", true, 0), ("note", "note", false, 5),
    ])
    for result in results {
      listing.append(
        [
          .text(result.eviction), .text(result.pool), .integer(Int64(result.capacityExperts)),
          result.capacityBytes.map { .integer($0) } ?? .null, .integer(Int64(result.accesses)),
          .integer(Int64(result.hits)), result.hitRate.map { .number($0) } ?? .null,
          result.note.map { .text($0) } ?? .null,
        ],
        texts: [
          3: result.capacityBytes.map { QuantityFormat().string(Double($0), .bytes) } ?? "",
          6: result.hitRate.map { QuantityFormat.fixed($0 * 100, decimals: 2) + " %" } ?? "",
        ])
    }
    return listing
  }
}

/// The order of touch, as the command line names it.
enum TouchOrderArgument: String, CaseIterable, ExpressibleByArgument {
  /// By ascending gate weight.
  case weight
  /// In the order of the record.
  case recorded
}

extension PoolPlan.Scope: ExpressibleByArgument {}
extension CacheReplayOptions.Reset: ExpressibleByArgument {}
extension CacheReplayOptions.Phase: ExpressibleByArgument {}
