// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// The collectives that Vidur's profiler measured (github.com/microsoft/vidur, MIT).
///
/// Times are milliseconds. `size` is bytes: the profiler writes twice the number of its 16-bit
/// values (vidur/profiling/collectives/collectives_wrapper.py).
public struct VidurImporter: TimingImporter {
  /// "vidur".
  public let name = "vidur"
  /// What is read, in one line.
  public let summary = "Vidur: collectives (all_reduce.csv, send_recv.csv)"

  /// Creates the importer.
  public init() {}

  /// Reads one table.
  ///
  /// - Throws: As `TimingImporter.read`.
  public func read(
    _ path: String, options: ImportOptions, into result: inout ImportedTimings
  ) throws {
    var table = try ImportTable(path)
    let device = try options.device(of: path)
    try table.require(["collective", "num_workers", "size", "devices_per_node"])
    let source = "vidur \(table.stem)"
    try table.forEachRow { row in
      let collective = row.text("collective")
      let kernel: MeasuredKernel
      switch collective {
      case "all_reduce": kernel = .allReduce
      case "send_recv": kernel = .sendReceive
      case "all_gather": kernel = .allGather
      case "reduce_scatter": kernel = .reduceScatter
      case "all_to_all": kernel = .allToAll
      default:
        throw row.diagnostic(
          "collective", "expected all_reduce, send_recv and the like; found '\(collective)'")
      }
      let stem = "time_stats.\(collective)"
      var measurement = KernelMeasurement(
        device: device, kernel: kernel, median: try row.number("\(stem).median") / 1e3,
        source: source)
      measurement.minimum = try row.number("\(stem).min") / 1e3
      measurement.maximum = try row.number("\(stem).max") / 1e3
      measurement.implementation = "nccl"
      measurement.precision = "fp16"
      measurement.bytes = try row.integer("size")
      measurement.devices = try row.integer("num_workers")
      measurement.devicesPerNode = try row.integer("devices_per_node")
      try result.add(measurement, at: row.location)
    }
  }
}
