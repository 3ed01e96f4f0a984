// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import KernelTiming
import ModelDescriptors
import Units

extension TimingLaws {
  /// The fitted laws as a profile writes them: the keys of `timing`, in YAML.
  ///
  /// Laws that were not fitted are left out; those that read the text keep their standard ones.
  public func yaml(indentation: Int = 0) -> String {
    var lines = ["source: \(Self.quoted(source))"]
    if let residuals { lines.append("residuals: \(residuals.yaml)") }
    for family in KernelFamily.allCases {
      var blocks: [String] = []
      for computeClass in ComputeClass.allCases {
        for storage in KernelSet.Storage.allCases {
          let entry = self[family, computeClass, storage]
          guard entry.residuals != nil else { continue }
          blocks.append("  \(Self.name(of: computeClass, storage)):")
          blocks += entry.yamlLines.map { "    " + $0 }
        }
      }
      if !blocks.isEmpty { lines += ["\(family.name):"] + blocks }
    }
    if !attention.isEmpty {
      lines.append("attention:")
      for law in attention {
        for (index, line) in law.yamlLines.enumerated() {
          lines.append((index == 0 ? "  - " : "    ") + line)
        }
      }
    }
    lines += Self.list("collectives", collectives.map(\.yamlLines))
    lines += Self.list("latent_attention", latentAttention.map(\.yamlLines))
    let margin = String(repeating: " ", count: indentation)
    return lines.map { margin + $0 + "\n" }.joined()
  }

  private static func list(_ name: String, _ entries: [[String]]) -> [String] {
    guard !entries.isEmpty else { return [] }
    return ["\(name):"]
      + entries.flatMap { lines in
        lines.enumerated().map { ($0.offset == 0 ? "  - " : "    ") + $0.element }
      }
  }

  static func quoted(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    // Line breaks and other control characters would end the scalar.
    return "\"" + String(escaped.map { $0.isNewline || $0.asciiValue ?? 32 < 32 ? " " : $0 }) + "\""
  }

  /// Four significant digits.
  static func number(_ value: Double) -> String { String(format: "%.4g", value) }

  static func time(_ seconds: Double) -> String { "\(number(seconds * 1e6)) us" }
}

extension TimingLaws.Residuals {
  var yaml: String {
    let percent = { (value: Double) in String(format: "%.1f%%", value * 100) }
    return "{median: \(percent(median)), p90: \(percent(p90)), points: \(points)}"
  }
}

extension TimingLaws.Entry {
  fileprivate var yamlLines: [String] {
    var lines = [
      "compute_efficiency: \(TimingLaws.number(law.computeEfficiency))",
      "rows_half: \(TimingLaws.number(law.rowsHalf))",
      "tile_rows: \(TimingLaws.number(law.tileRows))",
      "memory_efficiency: \(TimingLaws.number(law.memoryEfficiency))",
      "ramp: \(TimingLaws.time(law.ramp))",
      "launch: \(TimingLaws.time(law.launch))",
      "overlap_loss: \(TimingLaws.number(law.overlapLoss))",
      "depth_latency: \(TimingLaws.time(law.depthLatency))",
      "row_latency: \(TimingLaws.time(law.rowLatency))",
      "cache_speed: \(TimingLaws.number(law.cacheSpeed))",
      "cache_share: \(TimingLaws.number(law.cacheShare))",
    ]
    if let residuals { lines.append("residuals: \(residuals.yaml)") }
    return lines + (grid?.yamlLines ?? [])
  }
}

extension AttentionLaw {
  fileprivate var yamlLines: [String] {
    var lines = ["kernel: \(kernel.rawValue)", "phase: \(isDecode ? "decode" : "prefill")"]
    if isNarrow { lines.append("narrow_cache: true") }
    // A share of 0 is one that was not measured.
    lines += Self.shares.filter { self[keyPath: $0.path] > 0 }.map {
      "\($0.name): \(TimingLaws.number(self[keyPath: $0.path]))"
    }
    lines += Self.times.map { "\($0.name): \(TimingLaws.time(self[keyPath: $0.path]))" }
    if let residuals { lines.append("residuals: \(residuals.yaml)") }
    return lines + (grid?.yamlLines ?? [])
  }
}

extension CollectiveLaw {
  fileprivate var yamlLines: [String] {
    var lines = ["pattern: \(pattern.rawValue)"]
    lines += Self.shares.map { "\($0.name): \(TimingLaws.number(self[keyPath: $0.path]))" }
    lines += Self.times.map { "\($0.name): \(TimingLaws.time(self[keyPath: $0.path]))" }
    lines += Self.sizes.map { "\($0.name): \(TimingLaws.number(self[keyPath: $0.path])) B" }
    if let residuals { lines.append("residuals: \(residuals.yaml)") }
    return lines + (grid?.yamlLines ?? [])
  }
}

extension LatentAttentionLaw {
  fileprivate var yamlLines: [String] {
    var lines = [
      "kernel: \(kernel.rawValue)", "weights: \(hasNarrowWeights ? "fp8" : "bf16")",
      "cache: \(hasNarrowCache ? "fp8" : "bf16")",
    ]
    if isSingleHead { lines.append("single_head: true") }
    lines += Self.shares.map { "\($0.name): \(TimingLaws.number(self[keyPath: $0.path]))" }
    lines += Self.times.map { "\($0.name): \(TimingLaws.time(self[keyPath: $0.path]))" }
    if let residuals { lines.append("residuals: \(residuals.yaml)") }
    return lines + (grid?.yamlLines ?? [])
  }
}

extension KernelGrid {
  fileprivate var yamlLines: [String] {
    var lines = ["grid:", "  axes:"]
    for axis in axes {
      let (from, step) = (TimingLaws.number(axis.start), TimingLaws.number(axis.step))
      lines.append(
        "    - {along: \(axis.feature.rawValue), from: \(from), step: \(step), count: \(axis.count)}"
      )
    }
    lines.append("  factors: [")
    // A line holds the nodes of the last axis, at most sixteen.
    let perLine = min(16, axes.last?.count ?? 16)
    for start in stride(from: 0, to: factors.count, by: perLine) {
      let end = min(start + perLine, factors.count)
      let numbers = factors[start..<end].map { String(format: "%.3f", $0) }
      lines.append(
        "    " + numbers.joined(separator: ", ") + (end < factors.count ? "," : "]"))
    }
    return lines
  }
}
