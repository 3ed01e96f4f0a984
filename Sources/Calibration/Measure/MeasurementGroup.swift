// SPDX-License-Identifier: GPL-3.0-or-later

/// Points that share buffers: their rows without times, and how to time those of them that are wanted.
public struct MeasurementGroup {
  /// What is prepared for the group, in a few words.
  public var title: String
  /// The points.
  public var rows: [KernelMeasurement]
  /// Times the rows that are given, in a session.
  public var run: (MeasurementSession, [KernelMeasurement]) throws -> Void

  /// Creates a group.
  public init(
    title: String, rows: [KernelMeasurement],
    run: @escaping (MeasurementSession, [KernelMeasurement]) throws -> Void
  ) {
    self.title = title
    self.rows = rows
    self.run = run
  }
}

extension KernelMeasurement {
  /// A point that has not been timed.
  init(point kernel: MeasuredKernel, on device: String, by implementation: String) {
    self.init(device: device, kernel: kernel, median: 0, source: "")
    self.implementation = implementation
  }

  /// What was timed, without when, how often and with what result.
  var point: KernelMeasurement {
    var row = self
    row.median = 0
    row.minimum = nil
    row.maximum = nil
    row.percentile99 = nil
    row.repeats = nil
    row.source = ""
    row.date = nil
    return row
  }

  /// The point in a few words, for progress and summaries.
  var pointText: String {
    var parts = [kernel.rawValue, implementation ?? ""]
    func add(_ name: String, _ value: Int?) {
      if let value { parts.append("\(name) \(value)") }
    }
    if let precision { parts.append(precision) }
    add("m", m)
    add("n", n)
    add("k", k)
    add("tokens", tokens)
    add("hidden", hidden)
    add("width", width)
    add("batch", batch)
    add("heads", heads)
    add("past", past)
    add("bytes", bytes)
    add("chunk", chunk)
    add("depth", queueDepth)
    add("threads", threads)
    if pinned == true { parts.append("locked") }
    return parts.filter { !$0.isEmpty }.joined(separator: " ")
  }
}
