// SPDX-License-Identifier: GPL-3.0-or-later

extension ResidencyTier {
  /// What contradicts itself in the tier, recounted from its blocks; empty when all is well.
  ///
  /// - Complexity: O(blocks + pools). For tests and debugging.
  public func inconsistencies() -> [String] {
    var found: [String] = []
    var used = [Int64](repeating: 0, count: table.poolCount)
    var departing = used
    var locked = used
    var bytes = used
    var blocks = [Int](repeating: 0, count: table.poolCount)
    for (index, record) in table.blocks.enumerated() {
      let pool = Int(record.pool)
      if record.isPresent {
        used[pool] += record.cost
        bytes[pool] += table.layout.bytes(of: BlockID(index))
        blocks[pool] += 1
        if record.isLocked { locked[pool] += record.cost }
      }
      if record.state == .evicting { departing[pool] += record.cost }
      let chunksFit =
        switch record.state {
        case .absent: record.chunks == 0
        case .loading: record.chunks < record.chunkCount
        case .resident: record.chunks == record.chunkCount
        case .partial: record.chunks > 0 && record.chunks < record.chunkCount
        case .evicting: record.chunks > 0
        }
      if !chunksFit {
        found.append("block \(index) is \(record.state) with \(record.chunks) chunks")
      }
    }
    for (index, pool) in table.pools.enumerated() {
      if pool.used > pool.capacity {
        found.append("pool \(index) holds \(pool.used) of \(pool.capacity)")
      }
      if pool.used != used[index] || pool.departing != departing[index]
        || pool.locked != locked[index] || pool.bytes != bytes[index]
        || pool.blocks != blocks[index] || pool.highWater < pool.used
      {
        found.append("pool \(index) is \(pool), but its blocks say otherwise")
      }
    }
    return found
  }
}
