// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing

@testable import Routing

@Suite struct RoutingTraceFileTests {
  static let shapes = [
    RoutingShape(layers: 3, experts: 8, topK: 2), RoutingShape(layers: 2, experts: 300, topK: 5),
    RoutingShape(layers: 1, experts: 1, topK: 1),
  ]

  @Test(arguments: shapes, [RoutingTraceWriter.Weights.none, .half, .single])
  func ownFormatGivesBackWhatWasWritten(
    shape: RoutingShape, weights: RoutingTraceWriter.Weights
  ) throws {
    let trace = try RoutingTraceFile(bytes: makeTrace(shape, seed: 1, weights: weights), named: "t")
    #expect(trace.format == .moesim)
    let reader = try trace.reader()
    #expect(reader.shape == shape && reader.isRanked)
    #expect(reader.hasGateWeights == (weights != .none))
    #expect(reader.expertBytes?.last == 999 + Int64(shape.layers))
    let expected = makeEvents(shape, seed: 1, hasWeights: weights != .none)
    let found = try readAll(trace)
    #expect(found.count == expected.count)
    for (first, second) in zip(found, expected) {
      #expect(first.experts == second.experts && first.layer == second.layer)
      #expect(first.sequence == second.sequence && first.step == second.step)
      #expect(first.phase == second.phase && first.tokens == second.tokens)
      let tolerance: Float = weights == .half ? 1e-3 : 0
      #expect(first.weights.count == second.weights.count)
      #expect(zip(first.weights, second.weights).allSatisfy { abs($0 - $1) <= tolerance })
    }
  }

  @Test func filesAreWrittenStreamedAndRead() throws {
    let path = NSTemporaryDirectory() + "moesim-routing-\(UUID().uuidString).moesim"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let shape = Self.shapes[0]
    let writer = try RoutingTraceWriter(
      path: path, shape: shape, weights: .single, isRanked: false, expertBytes: nil, origin: "x")
    let events = makeEvents(shape, seed: 2, hasWeights: true)
    for event in events { try writer.append(event) }
    try writer.finish()
    #expect(try RoutingTraceFormat.recognise(path: path) == .moesim)
    let trace = try RoutingTraceFile(path: path)
    #expect(try readAll(trace).map(\.experts) == events.map(\.experts))
    #expect(try trace.reader().expertBytes == nil)
    #expect(throws: MissingFile.self) { try RoutingTraceFile(path: path + ".absent") }
    #expect(throws: RoutingTraceError.self) { try RoutingTraceFile(path: NSTemporaryDirectory()) }
    #expect(throws: RoutingTraceWriteError.self) {
      let full = try RoutingTraceWriter(
        path: "/dev/full", shape: shape, weights: .none, isRanked: true, expertBytes: nil,
        origin: "x")
      try full.finish()
    }
  }

  @Test func writerRefusesWhatDoesNotFit() throws {
    let shape = Self.shapes[0]
    let events = makeEvents(shape, seed: 3, hasWeights: false)
    func writer(_ weights: RoutingTraceWriter.Weights = .none) throws -> RoutingTraceWriter {
      try RoutingTraceWriter(
        path: nil, shape: shape, weights: weights, isRanked: true, expertBytes: nil, origin: "")
    }
    #expect(throws: RoutingTraceError.self) { try writer().append(events[1]) }
    #expect(throws: RoutingTraceError.self) { try writer(.half).append(events[0]) }
    var wrong = events[0]
    wrong.experts[0] = 8
    #expect(throws: RoutingTraceError.self) { try writer().append(wrong) }
    let partial = try writer()
    try partial.append(events[0])
    #expect(throws: RoutingTraceError.self) { try partial.finish() }
  }

  /// A change of the bytes of a good file, and the byte or words that the error names.
  struct Damage: Sendable, CustomTestStringConvertible {
    var name: String
    var words: String
    var change: @Sendable (inout [UInt8]) -> Void
    var testDescription: String { name }
  }

  static let damages = [
    Damage(name: "no mark", words: "not recognised") { $0[0] = 0 },
    Damage(name: "version", words: "version 9") { $0[8] = 9 },
    Damage(name: "header only", words: "truncated") { $0 = Array($0.prefix(128)) },
    Damage(name: "cut header", words: "a header of 128") { $0 = Array($0.prefix(100)) },
    Damage(name: "cut index", words: "truncated") { $0 = Array($0.dropLast(60)) },
    Damage(name: "absurd sequences", words: "truncated") { $0[46] = 255 },
    Damage(name: "absurd tokens", words: "truncated") { $0[39] = 255 },
    Damage(name: "absurd layers", words: "layers") { $0[19] = 255 },
    Damage(name: "no experts", words: "experts") { $0[20] = 0 },
    Damage(name: "top-k above experts", words: "top-9") { $0[24] = 9 },
    Damage(name: "width", words: "bytes an expert") { $0[12] = 3 },
    Damage(name: "weights kind", words: "kind 7") { $0[13] = 7 },
    Damage(name: "record size", words: "records of") { $0[28] = 1 },
    Damage(name: "expert out of range", words: "expert 200") { $0[128] = 200 },
    Damage(name: "expert twice", words: "twice") { $0[129] = $0[128] },
    Damage(name: "weight not a number", words: "gate weight nan") {
      $0.replaceSubrange(134..<138, with: [0, 0, 0xC0, 0x7F])
    },
  ]

  @Test(arguments: damages)
  func damageIsNamedAndPlaced(_ damage: Damage) throws {
    var bytes = try makeTrace(Self.shapes[0], seed: 4, weights: .single)
    damage.change(&bytes)
    let error = #expect(throws: RoutingTraceError.self) {
      _ = try readAll(RoutingTraceFile(bytes: bytes, named: "t.moesim"))
    }
    #expect(error?.description.hasPrefix("t.moesim: ") == true)
    #expect(error?.description.contains(damage.words) == true, "\(String(describing: error))")
  }

  static let edgeText = """
    # route_trace v1
    # model=m n_layer=2 n_expert=4 n_expert_used=2
    # layer=0 expert_bytes=100 dense_bytes=1
    # layer=1 expert_bytes=200 dense_bytes=1
    turn,phase,step,layer,slot,expert,weight,residency,expert_bytes
    0,0,0,0,0,1,0.7,0,100
    0,0,0,0,1,2,0.3,0,100
    0,0,1,0,0,3,0.6,0,100
    0,0,1,0,1,1,0.4,0,0
    0,0,0,1,0,0,0.5,0,200
    0,0,0,1,1,1,0.5,0,200
    0,0,1,1,0,0,0.9,0,0
    0,0,1,1,1,2,0.1,0,200
    0,1,2,0,0,1,0.8,1,0
    0,1,2,0,1,0,0.2,0,100
    0,1,2,1,0,0,0.8,1,0
    0,1,2,1,1,1,0.2,1,0

    """

  @Test func edgeFormatGroupsRowsIntoEvents() throws {
    let trace = try RoutingTraceFile(bytes: Array(Self.edgeText.utf8), named: "e.csv")
    #expect(trace.format == .bigMoeOnEdge)
    let reader = try trace.reader()
    #expect(reader.shape == RoutingShape(layers: 2, experts: 4, topK: 2))
    #expect(reader.expertBytes == [100, 200])
    let events = try readAll(trace)
    #expect(events.map(\.experts) == [[1, 2, 3, 1], [0, 1, 0, 2], [1, 0], [0, 1]])
    #expect(events.map(\.tokens) == [2, 2, 1, 1])
    #expect(
      events[2].recordedResidency == [1, 0] && events[0].recordedBytes == [100, 100, 100, 0])
    // A copy in the project's format holds the same.
    let records = try trace.records()
    #expect(records.sequences[0].prefill == 2 && records.sequences[0].decode == 1)
  }

  @Test(arguments: [
    ("0,1,2,0,0,1,0.8,1,0", "0,1,2,0,0,9,0.8,1,0", "e.csv:14: layer 0, expert 9"),
    ("0,1,2,0,0,1,0.8,1,0", "0,1,2,0,0,1,nan,1,0", "e.csv:14: a weight"),
    ("0,1,2,0,0,1,0.8,1,0", "0,1,2,0,0,-1,0.8,1,0", "e.csv:14: whole numbers"),
    ("0,1,2,0,0,1,0.8,1,0", "0,1,2,0", "e.csv:14: 4 fields"),
    ("0,1,2,0,1,0,0.2,0,100\n", "", "2 each are expected"),
    ("n_expert=4", "n_expert=0", "0 experts"), ("n_layer=2", "n_layer=99999999", "layers"),
    ("turn,phase", "turn,phases", "e.csv:5: the columns"),
  ])
  func edgeFormatPlacesErrors(old: String, new: String, words: String) {
    let text = Self.edgeText.replacing(old, with: new)
    let error = #expect(throws: RoutingTraceError.self) {
      _ = try readAll(RoutingTraceFile(bytes: Array(text.utf8), named: "e.csv"))
    }
    #expect(error?.description.contains(words) == true, "\(String(describing: error))")
  }

  @Test func topKBytesNeedsItsShapeAndWholeTokens() throws {
    let shape = RoutingShape(layers: 2, experts: 4, topK: 2)
    let options = RoutingTraceFile.Options(shape: shape)
    let good: [UInt8] = [0, 1, 2, 3, 3, 1, 0, 2]
    let events = try readAll(RoutingTraceFile(bytes: good, named: "b", options: options))
    #expect(events.map(\.experts) == [[0, 1], [2, 3], [3, 1], [0, 2]])
    #expect(throws: RoutingTraceError.self) { try RoutingTraceFile(bytes: good, named: "b") }
    for bad: [UInt8] in [[], [0, 1, 2], [0, 1, 2, 4], [1, 1, 2, 3]] {
      #expect(throws: RoutingTraceError.self) {
        _ = try readAll(RoutingTraceFile(bytes: bad, named: "b", options: options))
      }
    }
  }

  @Test(arguments: [0, 1, 2, 3] as [UInt64])
  func mutatedFilesNeitherCrashNorHang(seed: UInt64) throws {
    #if DEBUG
      let rounds = 150
    #else
      let rounds = 3000
    #endif
    var stream = testStream(seed, 77)
    let originals: [[UInt8]] = [
      try makeTrace(Self.shapes[0], seed: seed, weights: .half), Array(Self.edgeText.utf8),
      Array("event_index,scheduler_step,layer,requested_experts\n0,0,0,0 1\n1,0,1,2 1\n".utf8),
    ]
    var refused = 0
    for round in 0..<rounds {
      var bytes = originals[round % originals.count]
      for _ in 0..<(1 + stream.uniformInt(below: 4)) {
        let place = stream.uniformInt(below: bytes.count)
        switch stream.uniformInt(below: 4) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: stream.next())
        case 1: bytes[place] = [0, 255, 0x2C, 0x0A, 0x39, 0x2D][stream.uniformInt(below: 6)]
        case 2: bytes = Array(bytes.prefix(max(1, place)))
        default: bytes.insert(UInt8(truncatingIfNeeded: stream.next()), at: place)
        }
      }
      let options = RoutingTraceFile.Options(
        shape: stream.bernoulli(0.2) ? RoutingShape(layers: 3, experts: 8, topK: 2) : nil)
      do {
        let trace = try RoutingTraceFile(bytes: bytes, named: "fuzz", options: options)
        _ = try readAll(trace)
        _ = try trace.records()
      } catch is RoutingTraceError {
        refused += 1
      }
    }
    #expect(refused > rounds / 4)
  }

  @Test(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
  func toyFixtureGivesItsHits() throws {
    let path = try #require(SharedData.path("moe_cache_eval/toy_events.csv"))
    let trace = try RoutingTraceFile(path: path)
    #expect(trace.format == .setEvents)
    #expect(try trace.reader().shape == RoutingShape(layers: 3, experts: 4, topK: 2))
    let sets = try readAll(trace).map {
      (key: $0.layer, members: $0.experts.map(Int.init), resets: false)
    }
    let result = naiveLRU(sets, capacity: 2)
    #expect(result.hits == 12 && result.accesses == 30)
  }

  @Test func anIndexThatStopsBeforeTheFileTellsAWrongShape() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "topk-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "t.bin").path
    try Data([UInt8](repeating: 0, count: 12)).write(to: URL(filePath: file))
    try "decode_tokens,token_offset\n3,0\n3,3\n".write(
      toFile: folder.appending(path: "t_index.csv").path, atomically: true, encoding: .utf8)
    func open(layers: Int) throws {
      let shape = RoutingShape(layers: layers, experts: 4, topK: 1)
      _ = try RoutingTraceFile(path: file, options: .init(shape: shape))
    }
    try open(layers: 2)
    let error = #expect(throws: RoutingTraceError.self) { try open(layers: 1) }
    #expect(error?.description.contains("end at token 6, but the file holds 12") == true)
  }

  @Test(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
  func edgeRunIsReadWhole() throws {
    let path = try #require(SharedData.path("bigmoeonedge/qwen.route.csv"))
    let trace = try RoutingTraceFile(path: path)
    let shape = RoutingShape(layers: 48, experts: 128, topK: 6)
    #expect(try trace.reader().shape == shape)
    var activation = LayerActivation(experts: 128)
    var accesses = 0
    var decode = 0
    for event in try readAll(trace) {
      activation.reset()
      event.add(to: &activation, isRanked: true)
      accesses += activation.distinct.count
      if event.phase == .decode { decode += event.experts.count }
    }
    #expect(accesses == 39_526 && decode == 36_864)
  }
}
