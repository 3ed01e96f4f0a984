// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

extension CacheConfiguration {
  /// The same division with a KV cache that is given in blocks turned into bytes.
  ///
  /// - Parameters:
  ///   - model: Whose keys and values are kept.
  ///   - precision: Their format.
  ///   - draft: A model that drafts, and its formats.
  func withBlocksInBytes(
    model: ModelDescriptor, precision: PrecisionPlan,
    draft: (descriptor: ModelDescriptor, precision: PrecisionPlan)? = nil
  ) -> CacheConfiguration {
    guard let blocks = keyValueBlocks else { return self }
    var cache = self
    let bytes = KeyValueCache.blockBytes(
      model: model, precision: precision, blockTokens: keyValueBlockTokens,
      draft: draft)
    cache.keyValue = .bytes(Int64(blocks) * bytes)
    return cache
  }
}
