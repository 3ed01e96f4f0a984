// SPDX-License-Identifier: GPL-3.0-or-later

extension ServingEngine {
  /// The KV cache in blocks, where the configuration counts it so.
  func keyValueReport() -> SimulationResult.KeyValueReport? {
    guard configuration.cache.keyValueBlocks != nil || batch.prefix != nil || batch.swap != nil
    else { return nil }
    var report = SimulationResult.KeyValueReport()
    let bytes = keyValueBlockBytes
    report.blockTokens = configuration.cache.keyValueBlockTokens
    report.blockBytes = bytes
    guard bytes > 0 else { return report }
    report.blocks = Int(batch.keyValue.capacity / bytes)
    report.highWaterBlocks = Int((batch.keyValue.highWater + bytes - 1) / bytes)
    if let swap = batch.swap {
      report.swapOuts = swap.count
      report.swapFallbacks = swap.fallbacks
      report.swapHighWaterBytes = swap.highWater
    }
    if let prefix = batch.prefix {
      report.prefixAskedTokens = prefix.counts.askedTokens
      report.prefixHitTokens = prefix.counts.hitTokens
      report.prefixAskedBlocks = prefix.counts.askedBlocks
      report.prefixHitBlocks = prefix.counts.hitBlocks
      report.prefixEvictions = prefix.cache.evictions
      if report.prefixAskedTokens > 0 {
        report.prefixHitRate =
          Double(report.prefixHitTokens) / Double(report.prefixAskedTokens)
      }
    }
    return report
  }
}
