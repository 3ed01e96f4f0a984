// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import SimulationKernel

@Suite struct SimulationTests {
  @Test func simultaneousEventsComeInOrderOfPriorityThenOfScheduling() {
    var simulation = Simulation<Int>()
    let time = SimulatedTime(nanoseconds: 5)
    simulation.schedule(1, at: time)
    simulation.schedule(2, at: time)
    simulation.schedule(0, at: time, priority: .first)
    simulation.schedule(4, at: time, priority: .last)
    simulation.schedule(3, at: time)
    var order: [Int] = []
    while let event = simulation.next() { order.append(event) }
    #expect(order == [0, 1, 2, 3, 4])
    #expect(simulation.now == time)
    #expect(simulation.processedEventCount == 5)
  }

  /// Random scheduling, cancelling and taking, against a sorted list; also with a sequence so
  /// narrow that pending events are renumbered all the time.
  @Test(arguments: [(1, 36), (2, 36), (3, 10), (4, 10), (5, 9)])
  func agreesWithASortedList(seed: Int, sequenceBits: Int) {
    struct Entry {
      var time: UInt64
      var priority: UInt8
      var number: Int
      var handle: EventHandle
    }
    var random = SplitMix64(seed: UInt64(seed))
    var simulation = Simulation<Int>(capacity: 1, sequenceBits: sequenceBits)
    var oracle: [Entry] = []
    for number in 0..<20_000 {
      switch random.below(10) {
      case 0..<5 where oracle.count < 400:
        let time = simulation.now.nanoseconds + UInt64(random.below(50))
        let priority = UInt8(random.below(3))
        let handle = simulation.schedule(
          number, at: SimulatedTime(nanoseconds: time),
          priority: EventPriority(rawValue: priority))
        let place =
          oracle.firstIndex { ($0.time, $0.priority) > (time, priority) } ?? oracle.endIndex
        oracle.insert(
          Entry(time: time, priority: priority, number: number, handle: handle), at: place)
      case 5..<7 where !oracle.isEmpty:
        let place = random.below(oracle.count)
        let handle = oracle.remove(at: place).handle
        #expect(simulation.isPending(handle) == true)
        #expect(simulation.cancel(handle) == true)
        #expect(simulation.cancel(handle) == false)
        #expect(simulation.isPending(handle) == false)
      default:
        let expected = oracle.isEmpty ? nil : oracle.removeFirst()
        if let expected { #expect(simulation.nextEventTime?.nanoseconds == expected.time) }
        #expect(simulation.next() == expected?.number)
        if let expected {
          #expect(simulation.now.nanoseconds == expected.time)
          #expect(simulation.cancel(expected.handle) == false)
        }
      }
      #expect(simulation.pendingEventCount == oracle.count)
    }
  }

  @Test func cancelledEventsDoNotPileUp() {
    var simulation = Simulation<Int>()
    for _ in 0..<10_000 {
      let handle = simulation.schedule(0, at: SimulatedTime(seconds: 1000))
      simulation.cancel(handle)
    }
    #expect(simulation.pendingEventCount == 0)
    #expect(simulation.keys.count < 200)
    #expect(simulation.slots.count < 200)
    #expect(simulation.next() == nil)
  }

  struct Counter: Model, ~Copyable {
    var handled = 0
    var stopAfter = Int.max
    mutating func handle(_ event: Int, in simulation: inout Simulation<Int>) {
      handled += 1
      if handled == stopAfter { simulation.stop() }
      simulation.schedule(event, after: SimulatedDuration(nanoseconds: 10))
    }
  }

  @Test func runEndsAtItsLimitAndCanGoOn() {
    var simulation = Simulation<Int>()
    var model = Counter()
    simulation.schedule(1, at: .zero)
    simulation.run(&model, until: SimulatedTime(nanoseconds: 95))
    #expect(model.handled == 10)
    #expect(simulation.now.nanoseconds == 95)
    simulation.run(&model, until: SimulatedTime(nanoseconds: 100))
    #expect(model.handled == 11)
    model.stopAfter = 14
    simulation.run(&model)
    #expect(model.handled == 14)
    #expect(simulation.now.nanoseconds == 130)
  }

  @Test func timeIsExact() {
    let tenth = SimulatedDuration(seconds: 0.1)
    #expect(tenth + tenth + tenth == SimulatedDuration(seconds: 0.3))
    #expect(SimulatedDuration(seconds: 2.4e-9).nanoseconds == 2)
    #expect(SimulatedDuration(seconds: 2.6e-9).nanoseconds == 3)
    #expect(SimulatedDuration(seconds: 0.49999999999999994e-9).nanoseconds == 0)
    #expect(
      (SimulatedTime(seconds: 3) - SimulatedTime(seconds: 1)) == SimulatedDuration(seconds: 2))
  }

  @Test func misuseIsTrapped() async {
    await #expect(processExitsWith: .failure) {
      var simulation = Simulation<Int>()
      simulation.schedule(1, at: SimulatedTime(nanoseconds: 10))
      _ = simulation.next()
      simulation.schedule(2, at: SimulatedTime(nanoseconds: 9))
    }
    await #expect(processExitsWith: .failure) {
      // Printed, since an optimiser may drop an overflow whose result nobody uses.
      print(SimulatedTime(nanoseconds: 1) - SimulatedTime(nanoseconds: 2))
    }
    await #expect(processExitsWith: .failure) {
      print(SimulatedDuration(seconds: .nan))
    }
  }
}
