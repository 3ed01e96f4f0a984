// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Serving

extension ReportSections {
  /// What replicas, GPUs and gateway of a fleet did; `nil` for one replica alone.
  var fleet: ReportSection? {
    guard let fleet = document.result.fleet else { return nil }
    var facts: [(label: String, value: String)] = [
      ("GPUs", "\(FleetText.count(fleet.gpuCount)) on \(FleetText.count(fleet.hosts)) hosts"),
      ("A replica", fleet.parallelism), ("Request routing", fleet.requestRouting),
    ]
    if fleet.expertImbalance > 1 {
      facts.append(
        (
          "Most loaded group of experts", "\(FigureText.number(fleet.expertImbalance)) × the mean"
        ))
    }
    let counts: [(String, Int)] = [
      ("Answered by the response cache", fleet.cachedResponses),
      ("Most waiting at the gateway", fleet.mostWaitingAtGateway),
      ("Replica failures", fleet.replicaFailures),
      ("Replicas that came back", fleet.replicaRepairs),
      ("Requests sent again", fleet.retriedRequests), ("Requests lost", fleet.lostRequests),
      ("Replicas started", fleet.replicasStarted), ("Replicas stopped", fleet.replicasStopped),
    ]
    for (label, count) in counts where count > 0 { facts.append((label, FleetText.count(count))) }
    if let move = fleet.meanKeyValueMoveMs {
      facts.append(
        (
          "Sequences moved to decode",
          "\(FigureText.integer(Int64(fleet.keyValueMoves))), \(FigureText.number(move)) ms each"
        ))
    }
    return ReportSection(
      title: "Fleet", blocks: [.facts(facts), .table(replicas(fleet)), .table(stragglers(fleet))])
  }

  /// The replicas, the busiest first; of many, the first and last few.
  private func replicas(_ fleet: SimulationResult.FleetReport) -> TextTable {
    var table = TextTable(columns: [
      .init("Replica"), .init("State"), .init("Up", isNumeric: true, dropOrder: 2),
      .init("Steps", isNumeric: true, dropOrder: 3), .init("Requests", isNumeric: true),
      .init("Output tokens", isNumeric: true), .init("In steps", isNumeric: true),
      .init("KV peak", isNumeric: true, dropOrder: 1),
    ])
    for replica in FleetText.few(fleet.replicas) {
      guard let replica else {
        table.append(["…"] + Array(repeating: "", count: 7))
        continue
      }
      table.append([
        replica.name, replica.state, FigureText.percent(replica.upShare),
        FigureText.integer(Int64(replica.steps)), FigureText.integer(Int64(replica.completed)),
        FigureText.integer(replica.outputTokens), FigureText.percent(replica.utilization),
        FigureText.percent(replica.keyValueHighWater),
      ])
    }
    return table
  }

  /// The GPUs, the busiest first: the others of its replica wait for it.
  private func stragglers(_ fleet: SimulationResult.FleetReport) -> TextTable {
    var table = TextTable(columns: [
      .init("GPU"), .init("Own kernels", isNumeric: true), .init("Collectives", isNumeric: true),
      .init("Waiting in steps", isNumeric: true),
    ])
    let sorted = fleet.gpus.enumerated().sorted {
      ($1.element.busy, $0.offset) < ($0.element.busy, $1.offset)
    }.map(\.element)
    for gpu in FleetText.few(sorted) {
      guard let gpu else {
        table.append(["…", "", "", ""])
        continue
      }
      table.append([
        gpu.name, FigureText.percent(gpu.busy), FigureText.percent(gpu.collectives),
        FigureText.percent(gpu.waiting),
      ])
    }
    return table
  }
}

/// Small texts of fleets.
private enum FleetText {
  static func count(_ value: Int) -> String { FigureText.integer(Int64(value)) }

  /// All of a few; of many the first five and the last three, with `nil` between.
  static func few<Element>(_ all: [Element]) -> [Element?] {
    guard all.count > 10 else { return all }
    return all.prefix(5).map { $0 } + [nil] + all.suffix(3).map { $0 }
  }
}
