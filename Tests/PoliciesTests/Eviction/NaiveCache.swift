// SPDX-License-Identifier: GPL-3.0-or-later

/// A cache simulation as plain as can be, written without a look at the real one: whole scans, no
/// clever structure. What the tests compare the real rules with.
struct NaiveCache {
  enum Rule: String, CaseIterable { case lru, lfu, fifo, belady }

  struct Item {
    var lastUse = 0
    var uses = 0
    var arrival = 0
  }

  let rule: Rule
  let capacity: [Int]
  let poolOf: [Int]
  let size: [Int]
  /// For each event its members, for Belady's look ahead.
  let trace: [[Int]]
  var resident: Set<Int> = []
  var items: [Item]
  var clock = 0

  init(rule: Rule, capacity: [Int], poolOf: [Int], size: [Int], trace: [[Int]]) {
    self.rule = rule
    self.capacity = capacity
    self.poolOf = poolOf
    self.size = size
    self.trace = trace
    items = Array(repeating: Item(), count: poolOf.count)
  }

  func used(_ pool: Int) -> Int {
    resident.filter { poolOf[$0] == pool }.map { size[$0] }.reduce(0, +)
  }

  func nextUse(of block: Int, after event: Int) -> Int {
    for later in (event + 1)..<max(trace.count, event + 1) where trace[later].contains(block) {
      return later
    }
    return Int.max
  }

  /// Plays one event; returns the members that were hits, in the members' order.
  mutating func play(event: Int, members: [Int], weights: [Float]) -> [Bool] {
    let outcome = members.map(resident.contains)
    var keeps = Set(members)
    for pool in Set(members.map { poolOf[$0] }) {
      let own = members.indices.filter { poolOf[members[$0]] == pool }
      guard own.map({ size[members[$0]] }).reduce(0, +) > capacity[pool] else { continue }
      var left = capacity[pool]
      for index in own.sorted(by: { (weights[$0], $0) > (weights[$1], $1) }) {
        if size[members[index]] <= left {
          left -= size[members[index]]
        } else {
          keeps.remove(members[index])
          resident.remove(members[index])
        }
      }
    }
    for member in members {
      clock += 1
      if !resident.contains(member), keeps.contains(member) {
        let pool = poolOf[member]
        while used(pool) + size[member] > capacity[pool] {
          let candidates = resident.filter { poolOf[$0] == pool && !members.contains($0) }
          resident.remove(choose(candidates, event: event))
        }
        resident.insert(member)
        items[member].arrival = clock
      }
      items[member].lastUse = clock
      items[member].uses += 1
    }
    return outcome
  }

  func choose(_ candidates: Set<Int>, event: Int) -> Int {
    switch rule {
    case .lru: candidates.min { items[$0].lastUse < items[$1].lastUse }!
    case .fifo: candidates.min { items[$0].arrival < items[$1].arrival }!
    case .lfu:
      candidates.min {
        (items[$0].uses, items[$0].lastUse) < (items[$1].uses, items[$1].lastUse)
      }!
    case .belady:
      candidates.max {
        (nextUse(of: $0, after: event), $1) < (nextUse(of: $1, after: event), $0)
      }!
    }
  }

  mutating func clear() { resident = [] }

  mutating func resetUses() { for index in items.indices { items[index].uses = 0 } }
}
