// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel
import Testing

@testable import Serving

@Suite("What fails, and when")
struct FailureScheduleTests {
  private let fleet = FailureSettings.Population(
    replicas: 4, gpus: 16, hosts: 2, links: ["host0.nic0", "host1.nic0"])

  private func events(
    _ entries: [FailureSettings.Entry], count: Int = 1000, seed: UInt64 = 1
  ) throws -> [FailureEvent] {
    var schedule = try FailureSchedule(
      FailureSettings(entries), population: fleet, seed: seed, replication: 0)
    var found: [FailureEvent] = []
    while found.count < count, let event = schedule.next() { found.append(event) }
    return found
  }

  private func once(
    _ kind: FailingKind, _ index: Int, at: Double, for length: Double?, factor: Double = 0
  ) -> FailureSettings.Entry {
    .init(.part(kind, index), .once(atSeconds: at, forSeconds: length), factor: factor)
  }

  private func described(_ events: [FailureEvent]) -> [String] {
    events.map {
      "\($0.time.nanoseconds / 1_000_000_000) \($0.part.kind.word) \($0.part.index) \($0.factor)"
    }
  }

  @Test("explicit failures come in order of time and end")
  func explicit() throws {
    let found = try events([
      once(.replica, 3, at: 60, for: 30), once(.gpu, 5, at: 10, for: nil),
      .init(.link("host1.nic0"), .once(atSeconds: 70, forSeconds: 5), factor: 0.5),
    ])
    #expect(
      described(found) == [
        "10 gpu 5 0.0", "60 replica 3 0.0", "70 link 1 0.5", "75 link 1 1.0",
        "90 replica 3 1.0",
      ])
    #expect(found[0].isDown && found[3].isRecovery && !found[2].isDown && !found[2].isRecovery)
  }

  @Test("of failures that overlap the worst holds, and only changes are told")
  func overlapping() throws {
    let found = try events([
      once(.host, 0, at: 10, for: 30, factor: 0.5), once(.host, 0, at: 20, for: 10),
      once(.host, 0, at: 5, for: 40, factor: 0.7), once(.host, 0, at: 25, for: 2, factor: 0.2),
    ])
    #expect(
      described(found) == [
        "5 host 0 0.7", "10 host 0 0.5", "20 host 0 0.0", "30 host 0 0.5",
        "40 host 0 0.7", "45 host 0 1.0",
      ])
  }

  @Test("random failures leave a part up for mtbf/(mtbf + mttr) of the time")
  func availability() throws {
    let (between, repair) = (900.0, 100.0)
    let entry = FailureSettings.Entry(
      .every(.replica),
      .random(meanBetweenSeconds: between, meanRepairSeconds: repair))
    let found = try events([entry], count: 80_000)
    #expect(zip(found, found.dropFirst()).allSatisfy { $0.time <= $1.time })
    for replica in 0..<4 as Range<Int32> {
      let own = found.filter { $0.part.index == replica }
      // Down, up, down, up …
      #expect(
        own.enumerated().allSatisfy {
          $0.offset % 2 == 0 ? $0.element.isDown : $0.element.isRecovery
        })
      var down = 0.0
      for pair in stride(from: 0, to: own.count - 1, by: 2) {
        down += (own[pair + 1].time - own[pair].time).seconds
      }
      let share = down / own[own.count / 2 * 2 - 1].time.seconds
      // About 10,000 cycles each: the share's deviation is √2 · 0.1 · 0.9 / √10000 = 0.0013.
      #expect(abs(share - 0.1) < 4 * 0.0013)
    }
  }

  @Test("other entries reshuffle no draws; another seed does")
  func independence() throws {
    let random = FailureSettings.Entry(
      .part(.replica, 2), .random(meanBetweenSeconds: 100, meanRepairSeconds: 10))
    let others: [FailureSettings.Entry] = [
      .init(.every(.gpu), .random(meanBetweenSeconds: 1000, meanRepairSeconds: 10)),
      once(.replica, 1, at: 5, for: 5),
    ]
    let alone = try events([random], count: 20)
    let beside = try events(others + [random], count: 400).filter { $0.part.kind == .replica }
    #expect(Array(beside.filter { $0.part.index == 2 }.prefix(20)) == alone)
    #expect(try events([random], count: 20, seed: 2) != alone)
  }

  @Test(
    "what is not there is named",
    arguments: [
      (FailureSettings.Subject.part(.replica, 4), "there is no replica 4; there are 0 to 3"),
      (.part(.server, 0), "there is no server 0; none is in this fleet"),
      (.link("host2.nic0"), "there is no link 'host2.nic0'; there are host0.nic0, host1.nic0"),
      (.every(.server), "there is no server in this fleet that could fail"),
    ])
  func absent(subject: FailureSettings.Subject, message: String) {
    let entries = [
      once(.gpu, 0, at: 1, for: 1),
      FailureSettings.Entry(subject, .once(atSeconds: 1, forSeconds: 1)),
    ]
    #expect(throws: FailureSettings.Problem(entry: 1, message: message)) {
      try FailureSchedule(
        FailureSettings(entries), population: fleet, seed: 1, replication: 0)
    }
  }

  @Test("nothing fails by default")
  func nothing() throws {
    var schedule = try FailureSchedule(
      FailureSettings(), population: fleet, seed: 1, replication: 0)
    #expect(schedule.isEmpty && schedule.next() == nil)
  }
}
