// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Records
public import Residency
public import Serving

/// Writes a run's decisions as JSON Lines; docs/decisions-format.md describes them.
///
/// The first write that fails is kept and thrown by ``finish()``; the file gets its name only there.
/// Copies share the file.
public struct DecisionLogWriter: DecisionSink {
  private final class File {
    let output: OutputWriter
    var failure: WriteFailure?
    init(_ output: OutputWriter) { self.output = output }

    func write(_ text: String) {
      guard failure == nil else { return }
      do throws(WriteFailure) { try output.write(text) } catch { failure = error }
    }
  }

  private let file: File
  private let configuration: ServingConfiguration
  private var layout: BlockLayout?

  /// A log that goes to a file.
  ///
  /// - Parameters:
  ///   - path: The file, which is replaced when the log is finished.
  ///   - configuration: What is run.
  public init(path: String, configuration: ServingConfiguration) throws(WriteFailure) {
    file = File(try OutputWriter(path: path))
    self.configuration = configuration
  }

  /// Writes the header and what the cache holds.
  public mutating func begin(
    layout: BlockLayout, content: [Decision.Place], slots: [Int]
  ) {
    self.layout = layout
    file.write(DecisionLogHeader(configuration, layout: layout, slots: slots).line)
    var start = 0
    while start < content.count {
      let first = content[start].block
      var end = start
      while end < content.count, layout.layer(of: content[end].block) == layout.layer(of: first),
        layout.version(of: content[end].block) == layout.version(of: first)
      {
        end += 1
      }
      let experts = content[start..<end].map { "\(layout.expert(of: $0.block))" }
      let numbers = content[start..<end].map { "\($0.slot)" }
      file.write(
        "{\"event\":\"content\",\"layer\":\(layout.layer(of: first))\(version(first)),\"experts\":["
          + experts.joined(separator: ",") + "],\"slots\":[" + numbers.joined(separator: ",")
          + "]}\n")
      start = end
    }
  }

  /// Writes one decision.
  public mutating func take(_ decision: Decision) {
    let time = ",\"t\":\(decision.nanoseconds)"
    switch decision.event {
    case .step(let step):
      let sequences = step.sequences.map {
        "{\"request\":\($0.request),\"position\":\($0.position),\"tokens\":\($0.tokens)"
          + ",\"outputs\":\($0.outputs)}"
      }
      file.write(
        "{\"event\":\"step\"\(time),\"step\":\(step.number),\"tokens\":\(step.tokens)"
          + ",\"sequences\":[\(sequences.joined(separator: ","))]}\n")
    case .stepEnd(let number):
      file.write("{\"event\":\"step_end\"\(time),\"step\":\(number)}\n")
    case .layer(let layer):
      file.write("{\"event\":\"layer\"\(time),\"layer\":\(layer)}\n")
    case .access(let access):
      let members = access.members.map { member in
        "{\"expert\":\(layout!.expert(of: member.block))\(version(member.block))"
          + ",\"tokens\":\(member.tokens),\"weight\":\(member.weight)"
          + ",\"found\":\"\(member.found.rawValue)\",\"slot\":\(member.slot)}"
      }
      file.write(
        "{\"event\":\"access\"\(time),\"layer\":\(access.layer),\"members\":["
          + members.joined(separator: ",") + "],\"evicted\":\(list(access.evicted))}\n")
    case .computed(let layer):
      file.write("{\"event\":\"computed\"\(time),\"layer\":\(layer)}\n")
    case .prefetch(let prefetch):
      file.write(
        "{\"event\":\"prefetch\"\(time),\(name(prefetch.place.block))"
          + ",\"slot\":\(prefetch.place.slot),\"evicted\":\(list(prefetch.evicted))}\n")
    case .landed(let block, let slot, let ahead):
      file.write(
        "{\"event\":\"landed\"\(time),\(name(block)),\"slot\":\(slot),\"ahead\":\(ahead)}\n")
    case .dropped(let block, let reason):
      file.write("{\"event\":\"dropped\"\(time),\(name(block)),\"why\":\"\(reason.rawValue)\"}\n")
    case .evicted(let places):
      file.write("{\"event\":\"evicted\"\(time),\"experts\":\(list(places))}\n")
    }
  }

  /// Ends the log and gives the file its name.
  public func finish() throws(WriteFailure) {
    if let failure = file.failure {
      file.output.abandon()
      throw failure
    }
    try file.output.finish()
  }

  private func version(_ block: BlockID) -> String {
    let version = layout!.version(of: block)
    return version == 0 ? "" : ",\"version\":\(version)"
  }

  private func name(_ block: BlockID) -> String {
    "\"layer\":\(layout!.layer(of: block)),\"expert\":\(layout!.expert(of: block))"
      + version(block)
  }

  private func list(_ places: [Decision.Place]) -> String {
    "["
      + places.map { "{\(name($0.block)),\"slot\":\($0.slot)}" }.joined(separator: ",") + "]"
  }
}

/// The first line of a log of decisions.
struct DecisionLogHeader {
  let line: String

  init(_ configuration: ServingConfiguration, layout: BlockLayout, slots: [Int]) {
    let model = configuration.model
    let first = model.allLayers.first { $0.mixture != nil }
    var shape: [ReportValue.Member] = [
      .init("name", .text(model.name)), .init("hidden", .integer(Int64(model.hiddenSize))),
      .init("layers", .integer(Int64(model.allLayers.count))),
      .init(
        "moe_layers",
        .list(
          model.allLayers.indices.filter { model.allLayers[$0].mixture != nil }.map {
            .integer(Int64($0))
          })),
      .init("experts", .integer(Int64(model.expertCount))),
      .init("top_k", .integer(Int64(model.topK))),
    ]
    func add(_ key: String, _ value: Int) { shape.append(.init(key, .integer(Int64(value)))) }
    if let mixture = first?.mixture {
      add("width", mixture.expert.width)
      add("matrices", mixture.expert.matrices)
      add("shared_width", mixture.shared?.width ?? 0)
    }
    if let attention = first?.attention.mixer as? GroupedAttention {
      add("heads", attention.heads)
      add("kv_heads", attention.keyValueHeads)
      add("head_size", attention.headWidth)
    }
    add("vocabulary", model.vocabularySize)
    let sizes = (0..<layout.versions).map {
      ReportValue.integer(layout.bytes(of: layout.block(layer: 0, expert: 0, version: $0)))
    }
    let plan = configuration.precision
    let policy = configuration.policy
    let header = ReportValue.object([
      .init("event", .text("header")), .init("format", .text("moesim-decisions")),
      .init("version", .integer(1)), .init("scenario", .text(configuration.name)),
      .init("seed", .unsigned(configuration.run.seed)),
      .init("replication", .unsigned(UInt64(configuration.run.replication))),
      .init("model", .object(shape)),
      .init(
        "precision",
        .object([
          .init("experts", .text("\(plan.experts)")),
          .init("attention", .text("\(plan.attention)")), .init("kv", .text("\(plan.keyValue)")),
        ])),
      .init("expert_bytes", .list(sizes)),
      .init(
        "cache",
        .object([
          .init("pool", .text(configuration.cache.pool.rawValue)),
          .init("slots", .list(slots.map { .integer(Int64($0)) })),
          .init("staging_buffers", .integer(Int64(configuration.cache.stagingBuffers))),
        ])),
      .init(
        "policy",
        .object([
          .init("name", .text(policy.name)), .init("eviction", .text(policy.eviction.name)),
        ])),
    ])
    line = JSONText.text(of: header, layout: .compact) + "\n"
  }
}
