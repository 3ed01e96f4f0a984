// SPDX-License-Identifier: GPL-3.0-or-later

import Routing
import Testing

@Suite struct LayerActivationTests {
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func agreesWithAPlainRecord(seed: UInt64) {
    var stream = testStream(seed)
    var activation = LayerActivation(experts: 40)
    var order: [Int32] = []
    for round in 0..<20 {
      activation.reset()
      var record: [(expert: Int32, weight: Float)] = []
      for _ in 0..<(1 + round * 3) {
        let expert = Int32(stream.uniformInt(below: 40))
        // Few distinct weights, so that ties occur.
        let weight = Float(stream.uniformInt(below: 4))
        record.append((expert, weight))
        activation.add(expert: expert, weight: weight)
        activation.tokens += 1
      }
      var first: [Int32] = []
      for entry in record where !first.contains(entry.expert) { first.append(entry.expert) }
      #expect(activation.distinct == first)
      #expect(activation.tokens == record.count)
      for expert in 0..<40 {
        let own = record.filter { $0.expert == Int32(expert) }
        #expect(activation.tokensPerExpert[expert] == Int32(own.count))
        #expect(activation.weightPerExpert[expert] == own.reduce(0) { $0 + $1.weight })
      }
      activation.touchOrder(.recorded, into: &order)
      var last: [Int32] = []
      for entry in record.reversed() where !last.contains(entry.expert) {
        last.append(entry.expert)
      }
      #expect(order == last.reversed())
      activation.touchOrder(.weight, into: &order)
      var packed: [Int32] = []
      var keys: [UInt64] = []
      activation.touchOrderByWeight(into: &packed, keys: &keys)
      #expect(packed == order)
      let weights = activation.weightPerExpert
      #expect(order == first.sorted { (weights[Int($0)], $0) < (weights[Int($1)], $1) })
    }
    activation.reset()
    #expect(activation.isEmpty && activation.tokensPerExpert.allSatisfy { $0 == 0 })
  }

  @Test func ranksStandInForWeights() {
    var event = RoutingLayerEvent()
    event.tokens = 2
    event.experts = [3, 1, 1, 0]
    var activation = LayerActivation(experts: 4)
    event.add(to: &activation, isRanked: true)
    #expect(activation.tokens == 2 && activation.distinct == [3, 1, 0])
    #expect(abs(activation.weightPerExpert.reduce(0, +) - 2) < 1e-6)
    var order: [Int32] = []
    activation.touchOrder(.weight, into: &order)
    #expect(order == [0, 3, 1])
  }
}
