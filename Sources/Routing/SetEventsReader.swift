// SPDX-License-Identifier: GPL-3.0-or-later

/// The format `set-events`: a CSV of accesses with the columns `scheduler_step`, `layer` and
/// `requested_experts` (numbers between spaces), as moe-cache-eval's fixtures have it. A set is
/// one access; it has neither ranks nor weights.
struct SetEventsReader: RoutingTraceReader {
  static let name = "set-events"

  private(set) var shape: RoutingShape
  private let file: MappedFile
  private var lines: DelimitedLines
  private let columns: (step: Int, layer: Int, experts: Int)
  private let fieldCount: Int

  var formatName: String { Self.name }
  var hasGateWeights: Bool { false }
  var isRanked: Bool { false }
  var expertBytes: [Int64]? { nil }

  /// Opens a file; what the shape does not say is found by reading it once.
  init(_ file: MappedFile, shape known: RoutingShape?) throws {
    self.file = file
    shape = known ?? RoutingShape(layers: 4096, experts: 65_536, topK: 256)
    var lines = DelimitedLines(file)
    let found = lines.next() ? lines.fields.map { lines.text($0) } : []
    guard let step = found.firstIndex(of: "scheduler_step"),
      let layer = found.firstIndex(of: "layer"),
      let experts = found.firstIndex(of: "requested_experts")
    else {
      throw RoutingTraceError(
        file: file.path, place: .line(1),
        message: "the columns scheduler_step, layer and requested_experts are expected")
    }
    columns = (step, layer, experts)
    fieldCount = found.count
    self.lines = lines
    if known == nil { shape = try largestShape() }
    if let problem = shape.problem { throw RoutingTraceError(file: file.path, message: problem) }
    rewind()
  }

  private func largestShape() throws -> RoutingShape {
    var copy = self
    copy.rewind()
    var event = RoutingLayerEvent()
    var largest = RoutingShape(layers: 0, experts: 0, topK: 0)
    while try copy.next(into: &event) {
      largest.layers = max(largest.layers, event.layer + 1)
      largest.experts = max(largest.experts, Int(event.experts.max() ?? -1) + 1)
      largest.topK = max(largest.topK, event.experts.count)
    }
    return largest
  }

  mutating func rewind() {
    lines.rewind()
    _ = lines.next()
  }

  mutating func next(into event: inout RoutingLayerEvent) throws -> Bool {
    if !lines.next() { return false }
    func failure(_ message: String) -> RoutingTraceError {
      RoutingTraceError(file: file.path, place: .line(lines.number), message: message)
    }
    if lines.fields.count != fieldCount {
      throw failure("\(lines.fields.count) fields; \(fieldCount) are expected")
    }
    guard let step = lines.integer(columns.step), let layer = lines.integer(columns.layer) else {
      throw failure("scheduler_step and layer are whole numbers from 0")
    }
    if layer >= shape.layers { throw failure("layer \(layer) in a trace of \(shape)") }
    event.removeAll()
    event.sequence = 0
    event.step = step
    event.phase = .decode
    event.layer = layer
    event.tokens = 1
    for word in lines.words(in: lines.fields[columns.experts]) {
      guard let expert = lines.integer(in: word), expert < shape.experts else {
        throw failure(
          "expert “\(lines.text(word))”; a number below \(shape.experts) is expected")
      }
      if event.experts.contains(Int32(expert)) { throw failure("expert \(expert) comes twice") }
      if event.experts.count == shape.topK {
        throw failure("more than \(shape.topK) experts in a set")
      }
      event.experts.append(Int32(expert))
    }
    if event.experts.isEmpty { throw failure("an empty set") }
    return true
  }
}
