// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Hardware
import KernelTiming
import RandomStreams

/// What tables say of memories, drives and links: rates and latencies that a machine's profile states as
/// figures, not as laws.
public struct MeasuredResources: Sendable {
  /// A figure and the rows that it rests on.
  public struct Figure: Hashable, Sendable {
    /// Bytes a second, seconds, or requests a second.
    public var value: Double
    /// Rows.
    public var points: Int
  }

  /// The drive's name.
  public private(set) var drive: String?
  /// What reads deliver at best, over all queue depths [B/s].
  public private(set) var readBandwidth: Figure?
  /// A single small read, less its bytes at that rate [s].
  public private(set) var readLatency: Figure?
  /// Small reads a second at best [1/s].
  public private(set) var readRate: Figure?
  /// What passes over the host's memory deliver, of sizes that no cache holds [B/s].
  public private(set) var memoryBandwidth: Figure?
  /// What copies from locked host memory to the device deliver [B/s].
  public private(set) var linkBandwidth: Figure?
  /// What such a copy takes beside its bytes [s].
  public private(set) var linkLatency: Figure?

  /// The kernels whose rows it takes, as tables name them.
  public static let kernels: Set<String> = [
    MeasuredKernel.read.rawValue, MeasuredKernel.stream.rawValue, MeasuredKernel.copy.rawValue,
  ]

  /// Sizes from which a pass over memory is taken to be served by no cache [B].
  private static let uncachedBytes = 256 << 20

  /// The figures that rows give; none where there are no such rows.
  ///
  /// - Throws: `GSLError`.
  public init(_ rows: [KernelMeasurement]) throws {
    takeReads(rows.filter { $0.kernel == .read && $0.chunk == nil })
    let passes = rows.filter { $0.kernel == .stream && $0.bytes ?? 0 >= Self.uncachedBytes }
    memoryBandwidth = Self.best(passes) { Double($0.bytes ?? 0) / $0.median }
    try takeCopies(
      rows.filter {
        $0.kernel == .copy && $0.direction == "h2d" && $0.pinned == true && $0.streams ?? 1 == 1
      })
  }

  /// Whether there is nothing.
  public var isEmpty: Bool {
    readBandwidth == nil && memoryBandwidth == nil && linkBandwidth == nil
  }

  private static func best(
    _ rows: [KernelMeasurement], _ rate: (KernelMeasurement) -> Double
  ) -> Figure? {
    rows.map(rate).max().map { Figure(value: $0, points: rows.count) }
  }

  private mutating func takeReads(_ reads: [KernelMeasurement]) {
    drive = reads.first?.device
    let rate = { (row: KernelMeasurement) in Double(row.queueDepth ?? 1) / row.median }
    readBandwidth = Self.best(reads) { Double($0.bytes ?? 0) * rate($0) }
    guard let smallest = reads.compactMap(\.bytes).min(), let readBandwidth else { return }
    let small = reads.filter { $0.bytes == smallest }
    readRate = Self.best(small, rate)
    let single = small.filter { $0.queueDepth ?? 1 == 1 }
    if let median = single.map(\.median).min() {
      readLatency = Figure(
        value: max(1e-6, median - Double(smallest) / readBandwidth.value), points: single.count)
    }
  }

  /// t = latency + bytes/bandwidth, by relative errors.
  private mutating func takeCopies(_ copies: [KernelMeasurement]) throws {
    let points = copies.compactMap { row in row.bytes.map { (Double($0), row.median) } }
    guard points.count >= 3, Set(points.map(\.0)).count >= 3 else { return }
    let fit = try RobustLeastSquares().minimise(
      from: [1e-5, 1e10], bounds: [.init(1e-8, 1e-1), .init(1e6, 1e14)], count: points.count
    ) { values, output in
      for (index, point) in points.enumerated() {
        output[index] = log((values[0] + point.0 / values[1]) / point.1)
      }
    }
    linkLatency = Figure(value: fit.values[0], points: points.count)
    linkBandwidth = Figure(value: fit.values[1], points: points.count)
  }

  /// The figures in words: where each goes in a profile, and its value.
  public var lines: [String] {
    let gigabytes = { (figure: Figure) in String(format: "%.2f GB/s", figure.value / 1e9) }
    let micro = { (figure: Figure) in String(format: "%.1f us", figure.value * 1e6) }
    let items: [(String, Figure?, (Figure) -> String)] = [
      ("drive.read_bandwidth", readBandwidth, gigabytes),
      ("drive.read_latency", readLatency, micro),
      ("drive.read_rate", readRate, { String(format: "%.1f kIOPS", $0.value / 1e3) }),
      ("dram.bandwidth", memoryBandwidth, gigabytes),
      ("gpu.host_link.bandwidth", linkBandwidth, gigabytes),
      ("gpu.host_link.latency", linkLatency, micro),
    ]
    return items.compactMap { name, figure, text in
      figure.map { "\(name): \(text($0)), from \($0.points) rows" }
    }
  }

  /// The capability with the measured rate of the memory that a processor computes on.
  public func applied(
    to capability: DeviceCapability, of kind: CalibrationTarget.Kind
  ) -> DeviceCapability {
    guard kind == .cpu, let memoryBandwidth else { return capability }
    var capability = capability
    capability.bandwidth.achievable = memoryBandwidth.value
    capability.bandwidth.nominal = max(capability.bandwidth.nominal, memoryBandwidth.value)
    return capability
  }
}

extension MeasuredResources {
  /// The keys of a machine's file that lay the figures over `machine`, but for those of its GPU.
  func yaml(over machine: MachineProfile, source: String) -> String {
    let quoted = TimingLaws.quoted("measured: \(source)")
    var text = ""
    if let memoryBandwidth {
      text +=
        "dram:\n" + Self.rate("bandwidth", memoryBandwidth, machine.dram.bandwidth.nominal, quoted)
    }
    guard let readBandwidth, let nominal = machine.drives.first?.readBandwidth.nominal else {
      return text
    }
    text += "drive:\n"
    if let drive { text += "  name: \(TimingLaws.quoted(drive))\n" }
    text += Self.rate("read_bandwidth", readBandwidth, nominal, quoted)
    if let readLatency {
      text += Self.value("read_latency", TimingLaws.time(readLatency.value), quoted)
    }
    if let readRate, let readLatency {
      text += Self.value("read_rate", "\(TimingLaws.number(readRate.value)) IOPS", quoted)
      let lanes = max(1, (readRate.value * readLatency.value).rounded())
      text += Self.value(
        "lanes", String(Int(lanes)), "\"arithmetic, by Little: read_rate x read_latency\"")
    }
    return text
  }

  /// The keys under `gpu`.
  func linkYAML(over gpu: GPUProfile?, source: String) -> String {
    guard let linkBandwidth, let linkLatency, let link = gpu?.hostLink else { return "" }
    let quoted = TimingLaws.quoted("measured: \(source)")
    let margin = { (text: String) in
      text.split(separator: "\n").map { "  \($0)\n" }.joined()
    }
    return "  host_link:\n"
      + margin(Self.rate("bandwidth", linkBandwidth, link.bandwidth.nominal, quoted))
      + margin(Self.value("latency", TimingLaws.time(linkLatency.value), quoted))
      + margin(Self.value("per_message", "0 us", "\"in the latency of a measured copy\""))
  }

  /// A rate beside the nominal one, which is raised where more was measured.
  private static func rate(
    _ key: String, _ figure: Figure, _ nominal: Double, _ source: String
  ) -> String {
    let rate = { (value: Double) in "\(TimingLaws.number(value / 1e9)) GB/s" }
    var text = "  \(key):\n"
    if figure.value > nominal {
      text += "    nominal: \(rate(figure.value))\n    source: \(source)\n"
    }
    return text + "    achievable: \(rate(figure.value))\n    achievable_source: \(source)\n"
      + "    achievable_assumption: false\n"
  }

  private static func value(_ key: String, _ value: String, _ source: String) -> String {
    "  \(key): {value: \(value), source: \(source), assumption: false}\n"
  }
}
