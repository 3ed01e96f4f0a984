// SPDX-License-Identifier: GPL-3.0-or-later

/// The places of running requests in a predictor's arrays; places are used again.
struct RequestSlots: Sendable {
  // Only looked up by key; nothing ever goes through it in its own order.
  private var places: [UInt64: Int] = [:]
  private var free: [Int] = []
  private(set) var count = 0
  /// The running requests in order of their beginning.
  private(set) var running: [UInt64] = []

  /// No requests.
  init() {}

  /// The place of a request.
  subscript(request: UInt64) -> Int? { places[request] }

  /// Gives a request its place; one that has a place keeps it.
  ///
  /// - Returns: the place, and whether it lies behind all others that there ever were.
  mutating func begin(_ request: UInt64) -> (place: Int, isNew: Bool) {
    if let place = places[request] { return (place, false) }
    running.append(request)
    if let place = free.popLast() {
      places[request] = place
      return (place, false)
    }
    places[request] = count
    count += 1
    return (count - 1, true)
  }

  /// Takes a request's place back.
  mutating func end(_ request: UInt64) -> Int? {
    guard let place = places.removeValue(forKey: request) else { return nil }
    running.removeAll { $0 == request }
    free.append(place)
    return place
  }
}
