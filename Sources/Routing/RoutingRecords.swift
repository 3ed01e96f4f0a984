// SPDX-License-Identifier: GPL-3.0-or-later

/// Token records in memory or mapped from a file: the choices of a token in all layers, and
/// perhaps their gate weights. The layout that the formats `topk-bytes` and `moesim` share.
final class RoutingRecords: @unchecked Sendable {
  /// Where the records of one recorded sequence are.
  struct Sequence: Sendable {
    /// The first record; prefill records come first, then decode records.
    var first: Int
    var prefill: Int
    var decode: Int
    /// The prompt tokens of the recorded request, of which there need be no records.
    var promptTokens: Int
  }

  /// How gate weights are written.
  enum WeightKind: UInt8, Sendable {
    case none = 0
    case half = 1
    case single = 2

    var bytes: Int { self == .none ? 0 : (self == .half ? 2 : 4) }
  }

  let file: MappedFile
  let shape: RoutingShape
  let expertBytes: [Int64]?
  let weightKind: WeightKind
  let isRanked: Bool
  let sequences: [Sequence]
  /// Prompt tokens of the trace that some layer lacks, and that have no record therefore.
  var droppedPromptTokens = 0
  private let start: Int
  private let isWide: Bool
  private let choices: Int
  private let recordBytes: Int

  /// Describes records that begin at a byte of a file; the caller has checked that all records
  /// of all sequences are within it.
  init(
    file: MappedFile, start: Int, shape: RoutingShape, isWide: Bool, weightKind: WeightKind,
    isRanked: Bool, expertBytes: [Int64]?, sequences: [Sequence]
  ) {
    self.file = file
    self.start = start
    self.shape = shape
    self.isWide = isWide
    self.weightKind = weightKind
    self.isRanked = isRanked
    self.expertBytes = expertBytes
    self.sequences = sequences
    choices = shape.layers * shape.topK
    recordBytes = choices * ((isWide ? 2 : 1) + weightKind.bytes)
  }

  /// One choice.
  @inline(__always)
  func expert(record: Int, layer: Int, rank: Int) -> Int32 {
    let index = layer &* shape.topK &+ rank
    let base = start &+ record &* recordBytes
    if isWide { return Int32(file.integer(UInt16.self, at: base &+ 2 &* index)) }
    return Int32(file.bytes[base &+ index])
  }

  /// The weight of one choice: as recorded, or by rank, or an equal part.
  @inline(__always)
  func weight(record: Int, layer: Int, rank: Int) -> Float {
    let base = start &+ record &* recordBytes &+ choices &* (isWide ? 2 : 1)
    let index = layer &* shape.topK &+ rank
    switch weightKind {
    case .none: return isRanked ? rankWeight(rank: rank, of: shape.topK) : 1 / Float(shape.topK)
    case .half:
      return Float(Float16(bitPattern: file.integer(UInt16.self, at: base &+ 2 &* index)))
    case .single: return Float(bitPattern: file.integer(UInt32.self, at: base &+ 4 &* index))
    }
  }

  /// Checks the choices and weights of one record in one layer.
  ///
  /// - Throws: `RoutingTraceError` at the byte of what is wrong.
  func check(record: Int, layer: Int) throws {
    for rank in 0..<shape.topK {
      let expert = self.expert(record: record, layer: layer, rank: rank)
      let index = layer * shape.topK + rank
      let place = start + record * recordBytes + index * (isWide ? 2 : 1)
      if expert >= shape.experts {
        throw RoutingTraceError(
          file: file.path, place: .byte(place),
          message: "expert \(expert) in layer \(layer) of token record \(record);"
            + " a number below \(shape.experts) is expected")
      }
      for other in 0..<rank where self.expert(record: record, layer: layer, rank: other) == expert {
        throw RoutingTraceError(
          file: file.path, place: .byte(place),
          message: "expert \(expert) is chosen twice in layer \(layer) of token record \(record)")
      }
      let weight = self.weight(record: record, layer: layer, rank: rank)
      if !(weight >= 0 && weight.isFinite) {
        throw RoutingTraceError(
          file: file.path, place: .byte(start + record * recordBytes),
          message: "gate weight \(weight) in layer \(layer) of token record \(record);"
            + " a finite number from 0 is expected")
      }
    }
  }
}

/// Reads token records as a stream of layer events: for each sequence the prompt as one batch a
/// layer, then its output tokens one by one.
struct RoutingRecordReader: RoutingTraceReader {
  let records: RoutingRecords
  let formatName: String
  private var sequence = 0
  private var step = 0
  private var layer = 0

  init(_ records: RoutingRecords, formatName: String) {
    self.records = records
    self.formatName = formatName
  }

  var shape: RoutingShape { records.shape }
  var hasGateWeights: Bool { records.weightKind != .none }
  var isRanked: Bool { records.isRanked }
  var expertBytes: [Int64]? { records.expertBytes }

  mutating func rewind() {
    sequence = 0
    step = 0
    layer = 0
  }

  mutating func next(into event: inout RoutingLayerEvent) throws -> Bool {
    while sequence < records.sequences.count {
      let range = records.sequences[sequence]
      let prompts = range.prefill > 0 ? 1 : 0
      if step >= prompts + range.decode {
        sequence += 1
        step = 0
        layer = 0
        continue
      }
      let isPrompt = step < prompts
      let first = isPrompt ? range.first : range.first + range.prefill + step - prompts
      event.removeAll()
      event.sequence = sequence
      event.step = step
      event.phase = isPrompt ? .prefill : .decode
      event.layer = layer
      event.tokens = isPrompt ? range.prefill : 1
      for record in first..<first + event.tokens {
        try records.check(record: record, layer: layer)
        for rank in 0..<shape.topK {
          event.experts.append(records.expert(record: record, layer: layer, rank: rank))
          if hasGateWeights {
            event.weights.append(records.weight(record: record, layer: layer, rank: rank))
          }
        }
      }
      layer += 1
      if layer == shape.layers {
        layer = 0
        step += 1
      }
      return true
    }
    return false
  }
}
