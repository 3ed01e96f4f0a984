// SPDX-License-Identifier: GPL-3.0-or-later

/// How long and how widely to measure.
public struct MeasurementSettings: Sendable {
  /// A few shapes and less time for each.
  public var isQuick = false
  /// All must be over after so long [s]; no limit where absent.
  public var seconds: Double?
  /// Time for one point [s], unless it is certain earlier.
  public var secondsPerPoint: Double
  /// The fewest repeats of a point.
  public var minimumRepeats = 7
  /// The most repeats of a point.
  public var maximumRepeats = 5000
  /// A point ends early when the middle half of its times, over the root of their number, is this
  /// narrow beside the median.
  public var certainty = 0.002
  /// Memory to use at most [bytes].
  public var memory: Int
  /// The size of the file that a drive is measured with [bytes].
  public var disk: Int
  /// The folder of that file.
  public var folder = "."
  /// Numbers of threads.
  public var threads: [Int]

  /// Settings for a machine.
  public init(machine: MachineDescription, isQuick: Bool = false) {
    self.isQuick = isQuick
    secondsPerPoint = isQuick ? 0.15 : 0.4
    memory = min(machine.availableMemory / 4, 16 << 30)
    disk = isQuick ? 1 << 30 : 4 << 30
    threads = machine.threadCounts
  }
}
