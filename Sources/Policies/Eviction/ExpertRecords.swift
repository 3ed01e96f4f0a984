// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Which record of a rule a block belongs to: one for each expert, whatever its version, and one for
/// each block that is no expert.
struct ExpertRecords: Sendable {
  private var perVersion = 1
  private var expertBlocks = 0
  /// The versions of an expert.
  private(set) var versions = 1
  /// The number of records.
  private(set) var count = 0

  /// Records of nothing.
  init() {}

  /// Records for the blocks of a layout.
  init(_ layout: BlockLayout) {
    perVersion = layout.layers * layout.experts
    expertBlocks = layout.expertBlockCount
    versions = layout.versions
    count = perVersion + layout.count - expertBlocks
  }

  /// The record of a block.
  func record(of block: BlockID) -> Int {
    block.index < expertBlocks
      ? block.index % perVersion : perVersion + block.index - expertBlocks
  }

  /// The block of a record in a version; those that are no experts have one.
  func block(of record: Int, version: Int) -> BlockID {
    record < perVersion
      ? BlockID(version * perVersion + record) : BlockID(expertBlocks + record - perVersion)
  }

  /// The versions of a record's block.
  func versions(of record: Int) -> Int { record < perVersion ? versions : 1 }
}
