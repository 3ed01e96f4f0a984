// SPDX-License-Identifier: GPL-3.0-or-later

/// The links that bytes cross from one endpoint to another.
///
/// A value without references: routes can be found in a simulation's inner loop.
public struct ClusterRoute: Sendable, BitwiseCopyable {
  /// One link of a route.
  public struct Leg: Sendable, BitwiseCopyable, Hashable {
    /// Its position in `ClusterTopology.links`.
    public var link: Int32
    /// How often each byte crosses it: 2 for host memory that is written and read.
    public var weight: Double
  }

  /// The most links of one route.
  public static let maximumLegs = 16

  private var storage: InlineArray<16, Leg>
  /// Different links of the route; 0 where both ends are one memory.
  public private(set) var count: Int
  /// Time that a message needs besides its bytes [s].
  public private(set) var latency: Double
  /// Time that software needs to begin a copy [s].
  public private(set) var launch: Double

  /// A route that crosses nothing.
  public init() {
    storage = InlineArray(repeating: Leg(link: -1, weight: 0))
    count = 0
    latency = 0
    launch = 0
  }

  /// The link at a position, in the order in which bytes first cross it.
  public subscript(_ index: Int) -> Leg {
    precondition(index >= 0 && index < count, "A route has no such leg.")
    return storage[index]
  }

  /// Crosses a link once more; nothing where it is negative.
  mutating func cross(_ link: Int32, in links: [ClusterLink], weight: Double = 1) {
    guard link >= 0 else { return }
    for index in 0..<count where storage[index].link == link {
      storage[index].weight += weight
      return
    }
    precondition(count < Self.maximumLegs, "A route crosses at most 16 links.")
    storage[count] = Leg(link: link, weight: weight)
    count += 1
    latency += links[Int(link)].latency
    launch = max(launch, links[Int(link)].launch)
  }

  /// Seconds per byte while nothing else uses its links; 0 where it crosses none.
  public func secondsPerByte(over links: [ClusterLink]) -> Double {
    var slowest = 0.0
    for index in 0..<count {
      slowest = max(slowest, storage[index].weight / links[Int(storage[index].link)].rate)
    }
    return slowest
  }
}
