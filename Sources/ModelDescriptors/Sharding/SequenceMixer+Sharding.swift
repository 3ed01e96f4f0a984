// SPDX-License-Identifier: GPL-3.0-or-later

extension SequenceMixer {
  /// What is cut of the mixer when its heads are divided.
  var divisibleCounts: [DivisibleCount] {
    switch self {
    case let mixer as GroupedAttention:
      [
        DivisibleCount(name: "attention heads", count: mixer.heads),
        DivisibleCount(
          name: "heads of keys and values", count: mixer.keyValueHeads, isShared: true),
      ]
    case let mixer as LatentAttention:
      [DivisibleCount(name: "attention heads", count: mixer.heads)]
    case let mixer as CompressedAttention:
      [
        DivisibleCount(name: "attention heads", count: mixer.heads),
        DivisibleCount(name: "groups of the output projection", count: mixer.outputGroups),
      ]
    case let mixer as GatedDeltaNet:
      [
        DivisibleCount(name: "key heads of linear attention", count: mixer.keyHeads),
        DivisibleCount(name: "value heads of linear attention", count: mixer.valueHeads),
      ]
    case let mixer as Mamba2:
      [
        DivisibleCount(name: "state-space heads", count: mixer.heads),
        DivisibleCount(name: "state-space groups", count: mixer.groups, isShared: true),
      ]
    case let mixer as KimiDeltaAttention:
      [DivisibleCount(name: "heads of linear attention", count: mixer.heads)]
    default: []
    }
  }
}

extension GroupedAttention {
  /// One of so many equal parts of the heads; each head of keys and values is there where a query
  /// head needs it.
  func shard(of parts: Int) -> GroupedAttention {
    var shard = self
    shard.heads /= parts
    shard.keyValueHeads = DivisibleCount.part(of: keyValueHeads, among: parts)
    return shard
  }
}

extension LatentAttention {
  /// One of so many equal parts of the heads, with the whole latent.
  func shard(of parts: Int) -> LatentAttention {
    var shard = self
    shard.heads /= parts
    return shard
  }
}

extension CompressedAttention {
  /// One of so many equal parts of the heads and output groups, with the whole shared row.
  func shard(of parts: Int) -> CompressedAttention {
    var shard = self
    shard.heads /= parts
    shard.outputGroups /= parts
    return shard
  }
}

extension GatedDeltaNet {
  /// One of so many equal parts of the heads.
  func shard(of parts: Int) -> GatedDeltaNet {
    var shard = self
    shard.keyHeads /= parts
    shard.valueHeads /= parts
    return shard
  }
}

extension Mamba2 {
  /// One of so many equal parts of the heads.
  func shard(of parts: Int) -> Mamba2 {
    var shard = self
    shard.heads /= parts
    shard.groups = DivisibleCount.part(of: groups, among: parts)
    return shard
  }
}

extension KimiDeltaAttention {
  /// One of so many equal parts of the heads.
  func shard(of parts: Int) -> KimiDeltaAttention {
    var shard = self
    shard.heads /= parts
    return shard
  }
}
