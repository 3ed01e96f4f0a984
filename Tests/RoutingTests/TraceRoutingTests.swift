// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import Routing

@Suite struct TraceRoutingTests {
  static let shape = RoutingShape(layers: 3, experts: 8, topK: 2)

  static func open(
    _ options: TraceRouting.Options = .init(), weights: RoutingTraceWriter.Weights = .single
  ) throws -> (TraceRouting, [RoutingLayerEvent]) {
    let trace = try RoutingTraceFile(
      bytes: makeTrace(shape, seed: 6, weights: weights), named: "t")
    return (
      try TraceRouting(trace, options: options, seed: 1),
      makeEvents(shape, seed: 6, hasWeights: weights != .none)
    )
  }

  @Test func replaysWhatWasRecorded() throws {
    let (routing, events) = try Self.open()
    #expect(routing.shape == Self.shape && routing.hasGateWeights)
    for sequence in 0..<3 {
      let own = events.filter { $0.sequence == sequence }
      let prompt = own.first { $0.phase == .prefill }?.tokens ?? 0
      let slot = try routing.beginSequence(
        UInt64(sequence), promptTokens: prompt, outputTokens: 3)
      var activation = LayerActivation(experts: 8)
      for event in own {
        activation.reset()
        if event.phase == .prefill {
          routing.addPrefill(
            slot: slot, position: 0, count: prompt, layer: event.layer, to: &activation)
        } else {
          let position = event.step - (prompt > 0 ? 1 : 0)
          routing.addDecode(slot: slot, position: position, layer: event.layer, to: &activation)
        }
        var expected = LayerActivation(experts: 8)
        event.add(to: &expected, isRanked: true)
        #expect(activation.distinct == expected.distinct)
        #expect(activation.weightPerExpert == expected.weightPerExpert)
        #expect(activation.tokens == event.tokens)
      }
      routing.endSequence(slot: slot)
    }
    #expect(routing.notices.isEmpty)
  }

  @Test func promptTokensThatALayerLacksAreLeftOut() throws {
    let shape = RoutingShape(layers: 2, experts: 4, topK: 1)
    let writer = try RoutingTraceWriter(
      path: nil, shape: shape, weights: .none, isRanked: true, expertBytes: nil, origin: "test")
    func add(_ phase: RoutingPhase, step: Int, layer: Int, _ experts: [Int32]) throws {
      var event = RoutingLayerEvent()
      (event.phase, event.step, event.layer) = (phase, step, layer)
      (event.tokens, event.experts) = (experts.count, experts)
      try writer.append(event)
    }
    try add(.prefill, step: 0, layer: 0, [0, 1, 2])
    try add(.prefill, step: 0, layer: 1, [3])
    try add(.decode, step: 1, layer: 0, [1])
    #expect(throws: RoutingTraceError.self) { try add(.decode, step: 1, layer: 1, [0, 1]) }
    try add(.decode, step: 1, layer: 1, [2])
    let trace = try RoutingTraceFile(bytes: writer.finish(), named: "test")
    #expect(writer.droppedPromptTokens == 2)
    var reader = try trace.reader()
    var event = RoutingLayerEvent()
    var read: [[Int32]] = []
    while try reader.next(into: &event) { read.append(event.experts) }
    #expect(read == [[2], [3], [1], [2]], "the last prompt token, then the output token")
  }

  @Test(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
  func aRunOnAnEdgeDeviceIsReplayed() throws {
    let path = try #require(SharedData.path("bigmoeonedge/qwen.route.csv"))
    let routing = try TraceRouting(RoutingTraceFile(path: path), seed: 1)
    #expect(routing.notices.contains { $0.hasPrefix("27 prompt tokens") })
    let slot = try routing.beginSequence(0, promptTokens: 28, outputTokens: 128)
    var activation = LayerActivation(experts: 128)
    routing.addDecode(slot: slot, position: 127, layer: 47, to: &activation)
    #expect(activation.distinct.count == 6)
  }

  @Test func runningOutIsNoticedOrRefused() throws {
    let (wrapping, _) = try Self.open()
    let slot = try wrapping.beginSequence(4, promptTokens: 0, outputTokens: 9)
    #expect(wrapping.notices.count == 2)
    var first = LayerActivation(experts: 8)
    var again = LayerActivation(experts: 8)
    // Sequence 1 has four output tokens.
    wrapping.addDecode(slot: slot, position: 1, layer: 2, to: &first)
    wrapping.addDecode(slot: slot, position: 5, layer: 2, to: &again)
    #expect(first.distinct == again.distinct)
    let (stopping, _) = try Self.open(.init(whenExhausted: .stop))
    #expect(throws: RoutingTraceExhausted.self) {
      try stopping.beginSequence(3, promptTokens: 0, outputTokens: 1)
    }
    #expect(throws: RoutingSequenceTooShort.self) {
      try stopping.beginSequence(0, promptTokens: 0, outputTokens: 9)
    }
  }

  @Test func promptsThatWereNotRecordedAreDrawn() throws {
    let (routing, _) = try Self.open(weights: .none)
    #expect(!routing.hasGateWeights)
    let slot = try routing.beginSequence(1, promptTokens: 700, outputTokens: 1)
    #expect(routing.notices.count == 1)
    // Only experts of the sequence's own record are drawn.
    var own = LayerActivation(experts: 8)
    for position in 0..<4 { routing.addDecode(slot: slot, position: position, layer: 1, to: &own) }
    var prompt = LayerActivation(experts: 8)
    routing.addPrefill(slot: slot, position: 0, count: 700, layer: 1, to: &prompt)
    #expect(prompt.tokens == 700 && prompt.tokensPerExpert.reduce(0, +) == 1400)
    #expect(prompt.distinct.allSatisfy { own.distinct.contains($0) })
  }

  @Test func pairingAndLayersAreOptions() throws {
    let (routing, events) = try Self.open(.init(pairing: .random, layers: [2, 0]))
    #expect(routing.shape.layers == 2)
    let slot = try routing.beginSequence(12_345, promptTokens: 0, outputTokens: 1)
    var activation = LayerActivation(experts: 8)
    routing.addDecode(slot: slot, position: 0, layer: 0, to: &activation)
    let candidates = events.filter { $0.phase == .decode && $0.layer == 2 }
    #expect(candidates.contains { $0.experts == activation.distinct })
    #expect(throws: RoutingTraceError.self) { try Self.open(.init(layers: [3])) }
  }
}
