// SPDX-License-Identifier: GPL-3.0-or-later

/// The CSV of BigMoeOnEdge (github.com/Helldez/BigMoeOnEdge, docs/bench-data): each access of a
/// real run with its recorded residency. Rows of a prompt come layer by layer with all tokens of
/// the batch; rows of an output token come by layer and rank. Rows of one batch are one event.
struct BigMoeOnEdgeReader: RoutingTraceReader {
  static let name = "bigmoeonedge"
  static let signature = "# route_trace"

  private struct Row {
    var turn: Int
    var phase: RoutingPhase
    var step: Int
    var layer: Int
    var expert: Int32
    var weight: Float
    var residency: UInt8
    var bytes: Int64
  }

  let shape: RoutingShape
  let expertBytes: [Int64]?
  private let file: MappedFile
  private var lines: DelimitedLines
  private var pending: Row?

  var formatName: String { Self.name }
  var hasGateWeights: Bool { true }
  var isRanked: Bool { true }

  /// The columns, in their order.
  static let columns = [
    "turn", "phase", "step", "layer", "slot", "expert", "weight", "residency", "expert_bytes",
  ]

  init(_ file: MappedFile) throws {
    self.file = file
    lines = DelimitedLines(file)
    var dimensions: [String: Int] = [:]
    var sizes: [Int: Int64] = [:]
    var isHeaderFound = false
    while !isHeaderFound, lines.next() {
      let text = lines.text(lines.line)
      if !text.hasPrefix("#") {
        if text.split(separator: ",").map(String.init) != Self.columns {
          throw Self.failure(
            file, lines, "the columns \(Self.columns.joined(separator: ",")) are expected")
        }
        isHeaderFound = true
        continue
      }
      var pairs: [String: Int] = [:]
      for word in lines.words(in: lines.line) {
        let parts = lines.text(word).split(separator: "=", maxSplits: 1)
        if parts.count == 2, let value = Int(parts[1]), value >= 0 {
          pairs[String(parts[0])] = value
        }
      }
      if let layer = pairs["layer"], let size = pairs["expert_bytes"] {
        if layer >= 4096 || size > 1 << 50 {
          throw Self.failure(file, lines, "layer \(layer) with experts of \(size) bytes")
        }
        sizes[layer] = Int64(size)
      }
      for key in ["n_layer", "n_expert", "n_expert_used"] {
        if let value = pairs[key] { dimensions[key] = value }
      }
    }
    guard isHeaderFound, let layers = dimensions["n_layer"], let experts = dimensions["n_expert"],
      let used = dimensions["n_expert_used"]
    else {
      throw RoutingTraceError(
        file: file.path,
        message: "a header with n_layer, n_expert and n_expert_used and a line of columns are"
          + " expected")
    }
    shape = RoutingShape(layers: layers, experts: experts, topK: used)
    if let problem = shape.problem { throw RoutingTraceError(file: file.path, message: problem) }
    let known = (0..<layers).compactMap { sizes[$0] }
    expertBytes = known.count == layers ? known : nil
    try rewind()
  }

  private static func failure(
    _ file: MappedFile, _ lines: DelimitedLines, _ message: String
  ) -> RoutingTraceError {
    RoutingTraceError(file: file.path, place: .line(max(1, lines.number)), message: message)
  }

  mutating func rewind() throws {
    lines.rewind()
    pending = nil
    while lines.next() {
      if !lines.text(lines.line).hasPrefix("#") { return }
    }
  }

  private mutating func readRow() throws -> Row? {
    if !lines.next() { return nil }
    if lines.fields.count != Self.columns.count {
      throw Self.failure(
        file, lines,
        "\(lines.fields.count) fields; \(Self.columns.count) are expected (is it truncated?)")
    }
    guard let turn = lines.integer(0), let phase = lines.integer(1), let step = lines.integer(2),
      let layer = lines.integer(3), lines.integer(4) != nil, let expert = lines.integer(5),
      let residency = lines.integer(7), let bytes = lines.integer(8)
    else {
      throw Self.failure(file, lines, "whole numbers from 0 are expected, a weight in column 7")
    }
    guard let weight = lines.number(6), weight >= 0, weight < 1e30 else {
      throw Self.failure(file, lines, "a weight that is a finite number from 0 is expected")
    }
    if phase > 1 || residency > 1 {
      throw Self.failure(file, lines, "phase \(phase), residency \(residency); 0 or 1 is expected")
    }
    if layer >= shape.layers || expert >= shape.experts {
      throw Self.failure(
        file, lines, "layer \(layer), expert \(expert) in a trace of \(shape)")
    }
    return Row(
      turn: turn, phase: phase == 0 ? .prefill : .decode, step: step, layer: layer,
      expert: Int32(expert), weight: Float(weight), residency: UInt8(residency),
      bytes: Int64(bytes))
  }

  mutating func next(into event: inout RoutingLayerEvent) throws -> Bool {
    guard let first = try pending ?? readRow() else { return false }
    pending = nil
    event.removeAll()
    event.sequence = first.turn
    event.step = first.phase == .prefill ? 0 : first.step
    event.phase = first.phase
    event.layer = first.layer
    event.tokens = 1
    var row = first
    while true {
      event.experts.append(row.expert)
      event.weights.append(row.weight)
      event.recordedResidency.append(row.residency)
      event.recordedBytes.append(row.bytes)
      let step = row.step
      guard let next = try readRow() else { break }
      let continues =
        next.turn == first.turn && next.phase == first.phase && next.layer == first.layer
        && (first.phase == .prefill || next.step == first.step)
      if !continues {
        pending = next
        break
      }
      if next.step != step { event.tokens += 1 }
      row = next
    }
    if event.experts.count != event.tokens * shape.topK {
      throw Self.failure(
        file, lines,
        "\(event.experts.count) choices for \(event.tokens) tokens of layer \(event.layer) before"
          + " here; \(shape.topK) each are expected")
    }
    return true
  }
}
