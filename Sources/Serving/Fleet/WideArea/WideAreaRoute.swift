// SPDX-License-Identifier: GPL-3.0-or-later

/// Consecutive layers that one server computes.
public struct WideAreaSegment: Hashable, Sendable {
  /// The server.
  public var server: Int
  /// The first layer.
  public var first: Int
  /// The layer behind the last.
  public var end: Int

  /// A segment.
  public init(server: Int, first: Int, end: Int) {
    self.server = server
    self.first = first
    self.end = end
  }
}

/// A chain of servers that compute some layers, and what one token takes on it.
public struct WideAreaRoute: Hashable, Sendable {
  /// The segments, in the order of the layers.
  public var segments: [WideAreaSegment]
  /// What a token takes on idle servers and lines, from the place before to the place behind [s].
  public var seconds: Double

  /// The fastest chain for layers, between two places.
  ///
  /// The shortest path over (layer, server), found layer by layer; a chain may leave a server before
  /// its last layer. Of equal chains the one with the earlier servers is taken.
  ///
  /// - Parameters:
  ///   - blocks: The layers; not empty.
  ///   - source: The server that the layers' input comes from; `nil` for the client.
  ///   - target: The server that gets the output; `nil` for the client.
  ///   - isUp: Which servers may be used.
  /// - Returns: `nil` when nobody who may be used holds one of the layers.
  /// - Complexity: O(layers × servers²).
  public static func fastest(
    _ settings: WideAreaSettings, blocks: Range<Int>, from source: Int? = nil,
    to target: Int? = nil, isUp: (Int) -> Bool
  ) -> WideAreaRoute? {
    let count = settings.servers.count
    var costs = [Double](repeating: .infinity, count: count)
    // The server before, for each layer and server; -1 at the source.
    var before = [Int32](repeating: -1, count: blocks.count * count)
    for (row, block) in blocks.enumerated() {
      var next = [Double](repeating: .infinity, count: count)
      for server in 0..<count {
        let held = settings.servers[server]
        guard held.firstBlock <= block, block < held.endBlock, isUp(server) else { continue }
        if row == 0 {
          next[server] = settings.hopSeconds(from: source, to: server) + held.blockSeconds
          continue
        }
        for other in 0..<count where costs[other] < .infinity {
          let cost =
            costs[other] + settings.hopSeconds(from: other, to: server) + held.blockSeconds
          if cost < next[server] {
            next[server] = cost
            before[row * count + server] = Int32(other)
          }
        }
      }
      costs = next
    }
    var best: (server: Int, cost: Double)?
    for server in 0..<count where costs[server] < .infinity {
      let cost = costs[server] + settings.hopSeconds(from: server, to: target)
      if cost < best?.cost ?? .infinity { best = (server, cost) }
    }
    guard let best else { return nil }
    var segments: [WideAreaSegment] = []
    var server = best.server
    for row in stride(from: blocks.count - 1, through: 0, by: -1) {
      let block = blocks.lowerBound + row
      if segments.last?.server == server {
        segments[segments.count - 1].first = block
      } else {
        segments.append(WideAreaSegment(server: server, first: block, end: block + 1))
      }
      server = Int(before[row * count + server])
    }
    return WideAreaRoute(segments: segments.reversed(), seconds: best.cost)
  }
}
