// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import ModelDescriptors
import Units

extension KernelSet {
  /// Reads a file of `hardware-profiles/kernels/`.
  ///
  /// ```yaml
  /// name: some-kernels
  /// summary: What they do
  /// source: the publication
  /// entries:
  ///   - families: [gemm, grouped_gemm]
  ///     weights: int4              # a format, or `sparse`
  ///     arithmetic: fp16           # where it is not the format's own
  ///     memory: 1                  # factors on the rates of kernels on plain 16-bit weights,
  ///     compute: 0.9               # or a table of them over `rows` or `groups`
  ///     source: table 3
  ///   - families: [grouped_gemm]
  ///     weights: int8
  ///     over: groups
  ///     table: [{at: 1, memory: 0.6}, {at: 32, memory: 0.8}]
  ///     source: figure 5
  ///     assumption: true
  /// ```
  ///
  /// - Throws: `Diagnostics` with everything that is wrong.
  public static func read(_ node: ConfigurationNode) throws(Diagnostics) -> KernelSet {
    let collector = DiagnosticCollector()
    let reader = MappingReader(node, into: collector)
    let set = KernelSet(
      name: reader.requiredString("name"), summary: reader.requiredString("summary"),
      source: reader.requiredString("source"),
      entries: reader.sequence("entries").map { Entry(MappingReader($0, into: collector)) })
    if set.entries.isEmpty, collector.isEmpty {
      reader.report("entries", "is empty; kernels without any factor are 'none'")
    }
    reader.finish()
    try collector.throwIfAny()
    return set
  }

  /// Reads a file.
  ///
  /// - Throws: `MissingFile`, or `Diagnostics` with everything that is wrong.
  public static func load(path: String) throws -> KernelSet {
    try read(try ConfigurationNode.load(path: path))
  }
}

extension KernelSet.Entry {
  /// A factor of 1 is the plain kernel; ten times its rate is beyond all that formats can give.
  private static let factors = 1e-4...10.0

  fileprivate init(_ reader: MappingReader) {
    let names = KernelFamily.allCases.map(\.name)
    families = reader.sequence("families").compactMap { node in
      let name = node.read(into: reader.collector) { $0.choice(among: names) }
      return KernelFamily.allCases.first { $0.name == name }
    }
    if families.isEmpty { reader.report("families", "is missing; some of \(names) are expected") }
    format = nil
    if reader.string("weights") != "sparse" {
      if reader.has("weights") {
        format = reader.format("weights")
      } else {
        reader.report("weights", "is missing; a number format or 'sparse' is expected")
      }
    }
    let classes = ComputeClass.allCases
    arithmetic = reader.choice("arithmetic", among: classes.map(\.name)).flatMap { name in
      classes.first { $0.name == name }
    }
    let over = reader.choice("over", among: ["rows", "groups"])
    axis = over == "groups" ? .groups : .rows
    points = Self.points(reader, hasAxis: over != nil)
    source = reader.requiredString("source")
    isAssumption = reader.bool("assumption") ?? false
    reader.finish()
  }

  private static func points(_ reader: MappingReader, hasAxis: Bool) -> [KernelSet.Point] {
    func factors(_ reader: MappingReader, at place: Double) -> KernelSet.Point {
      KernelSet.Point(
        at: place, compute: reader.double("compute", in: Self.factors) ?? 1,
        memory: reader.double("memory", in: Self.factors) ?? 1)
    }
    guard reader.has("table") else {
      if hasAxis { reader.report("over", "has no meaning without a table") }
      if !reader.has("compute") && !reader.has("memory") {
        reader.report("table", "is missing; a table, or compute and memory, are expected")
      }
      return [factors(reader, at: 1)]
    }
    if !hasAxis { reader.report("over", "is missing; rows or groups is expected") }
    var points: [KernelSet.Point] = []
    for node in reader.sequence("table") {
      let row = MappingReader(node, into: reader.collector)
      let point = factors(row, at: row.requiredDouble("at", in: 0...1e9))
      if let last = points.last, last.at >= point.at {
        row.report("at", "is \(point.at) after \(last.at); places ascend")
      }
      row.finish()
      points.append(point)
    }
    if points.isEmpty { reader.report("table", "is empty") }
    return points
  }
}
