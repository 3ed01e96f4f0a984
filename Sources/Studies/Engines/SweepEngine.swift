// SPDX-License-Identifier: GPL-3.0-or-later

/// Has the shards of a plan run, wherever that is.
public protocol SweepEngine {
  /// Runs every shard that is not finished.
  ///
  /// - Parameters:
  ///   - plan: The plan's file.
  ///   - folder: Where shards write.
  ///   - control: Asked whether to stop, and told how far the work has come.
  /// - Throws: What keeps the work from being done; runs that fail are no such thing.
  func run(plan: SweepPlanFile, folder: String, control: SweepControl) throws
}
