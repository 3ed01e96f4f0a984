// SPDX-License-Identifier: GPL-3.0-or-later

/// A cache simulation as plain as can be, written without a look at the real one: whole scans, no
/// clever structure. What the tests compare the real rules with.
struct NaiveCache {
  enum Rule: String, CaseIterable {
    case lru, lfu, fifo, lifo, belady, hobbit
    case activation = "moe-infinity"
    case expertMap = "expert-map"
    case expertMapCode = "expert-map code"
  }

  struct Item {
    var lastUse = 0
    var uses = 0
    var arrival = 0
    var lastToken = 0
    var probability: Float = 0
    var usesWhileHere = 0
  }

  let rule: Rule
  let capacity: [Int]
  let poolOf: [Int]
  let size: [Int]
  /// For each event its members, for Belady's look ahead.
  let trace: [[Int]]
  let layerOf: [Int]
  var token = 0
  var layer = 0
  var predictedPass: [Int: Int] = [:]
  var pass = 0
  var candidates: Set<Int> = []
  var roundIsOver = true
  var resident: Set<Int> = []
  var items: [Item]
  var clock = 0

  init(
    rule: Rule, capacity: [Int], poolOf: [Int], size: [Int], trace: [[Int]], layerOf: [Int]
  ) {
    self.layerOf = layerOf
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

  mutating func begin(layer: Int) {
    if layer == 0 {
      token += 1
      pass += 1
    }
    self.layer = layer
    roundIsOver = true
  }

  mutating func predict(_ block: Int, probability: Float) {
    if roundIsOver { candidates = [] }
    roundIsOver = false
    candidates.insert(block)
    if rule == .expertMap, predictedPass[layerOf[block]] != pass {
      predictedPass[layerOf[block]] = pass
      for other in items.indices where layerOf[other] == layerOf[block] {
        items[other].probability = 0
      }
    }
    items[block].probability = probability
  }

  mutating func drop(_ block: Int) {
    guard resident.remove(block) != nil, rule == .expertMapCode else { return }
    items[block].probability = 0
    items[block].usesWhileHere = 0
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
          drop(members[index])
        }
      }
    }
    for member in members {
      clock += 1
      if !resident.contains(member), keeps.contains(member) {
        let pool = poolOf[member]
        while used(pool) + size[member] > capacity[pool] {
          let candidates = resident.filter { poolOf[$0] == pool && !members.contains($0) }
          drop(choose(candidates, event: event))
        }
        resident.insert(member)
        items[member].arrival = clock
      }
      items[member].lastUse = clock
      items[member].uses += 1
      items[member].lastToken = token
      if resident.contains(member) { items[member].usesWhileHere += 1 }
    }
    return outcome
  }

  func choose(_ candidates: Set<Int>, event: Int) -> Int {
    switch rule {
    case .lru: candidates.min { items[$0].lastUse < items[$1].lastUse }!
    case .fifo: candidates.min { items[$0].arrival < items[$1].arrival }!
    case .lifo: candidates.max { items[$0].arrival < items[$1].arrival }!
    case .hobbit: least(candidates) { self.hobbit($0) }
    case .activation: least(candidates) { self.activation($0) }
    case .expertMap:
      candidates.min {
        let (left, right) = (items[$0], items[$1])
        return (left.probability * Float(left.uses), left.uses, $0)
          < (right.probability * Float(right.uses), right.uses, $1)
      }!
    case .expertMapCode:
      candidates.min { codeOrder($0).lexicographicallyPrecedes(codeOrder($1)) }!
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

  func least(_ candidates: Set<Int>, by score: (Int) -> Double) -> Int {
    candidates.min { (score($0), $0) < (score($1), $1) }!
  }

  /// The formula with equal weights; here every use is one of the most precise version.
  func hobbit(_ block: Int) -> Double {
    let layers = layerOf.max()! + 1
    let item = items[block]
    let ahead = (layerOf[block] - layer + layers) % layers
    return (0.25 * Double(item.lastToken) + 0.25 * Double(item.uses) + 0.25 * Double(item.uses))
      / Double(max(1, token)) + 0.25 * (1 - Double(ahead) / Double(layers))
  }

  func activation(_ block: Int) -> Double {
    let layers = layerOf.max()! + 1
    let uses = items.indices.filter { layerOf[$0] == layerOf[block] }.map { items[$0].uses }
    let share = Double(items[block].uses) / Double(max(1, uses.reduce(0, +)))
    return (share + 1e-6) * (1 - Double(layerOf[block]) / Double(layers))
  }

  func codeOrder(_ block: Int) -> [Int] {
    let item = items[block]
    return [
      candidates.contains(block) ? 1 : 0, Int(item.probability * Float(item.usesWhileHere)),
      item.usesWhileHere, block,
    ]
  }

  mutating func clear() { for block in resident { drop(block) } }

  mutating func resetUses() {
    token = 0
    for index in items.indices {
      items[index].uses = 0
      items[index].usesWhileHere = 0
      items[index].lastToken = 0
    }
  }
}
