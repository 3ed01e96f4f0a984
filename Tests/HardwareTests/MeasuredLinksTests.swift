// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import Hardware

/// Holds achievable figures to measurements by others, where these are beside the checkout.
@Suite(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
struct MeasuredLinksTests {
  struct Row {
    var device: String
    var host: String
    var link: String
    var test: String
    var size: String
    var bytesPerSecond: Double?
    var direction: String
  }

  private func rows() throws -> [Row] {
    let path = try #require(SharedData.path("hw_links/hw_measured.csv"))
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let units = ["GB/s": 1e9, "MB/s": 1e6, "GiB/s": 1_073_741_824, "MiB/s": 1_048_576]
    return text.split(whereSeparator: \.isNewline).dropFirst().map { line in
      let fields = Self.fields(line)
      let rate = units[fields[6]].flatMap { unit in Double(fields[5]).map { $0 * unit } }
      return Row(
        device: fields[0], host: fields[1], link: fields[2], test: fields[3], size: fields[4],
        bytesPerSecond: rate, direction: fields[7])
    }
  }

  /// The fields of a CSV line, quotes removed.
  private static func fields(_ line: Substring) -> [String] {
    var fields = [""]
    var quoted = false
    for character in line where character != "\r" {
      if character == "\"" {
        quoted.toggle()
      } else if character == ",", !quoted {
        fields.append("")
      } else {
        fields[fields.count - 1].append(character)
      }
    }
    return fields
  }

  private func achievable(_ kind: PartKind, _ name: String, _ path: String) throws -> Double {
    let entries = try shipped.checkPart(kind, name)
    return try #require(entries.first { $0.path == path }).figure.effective
  }

  /// Large copies from pinned memory of a local socket: the profile lies among the measured devices,
  /// and within 15% of the middle one.
  @Test(
    arguments: [
      ("pcie-gen3-x16", ["P100-PCIE-16GB", "2x RTX 3090"]),
      ("pcie-gen4-x16", ["A100-SXM4-40GB", "8-GPU NVLink", "RTX 5090 host", "AMD R9700"]),
    ])
  func hostLinks(part: String, devices: [String]) throws {
    let rows = try rows()
    var medians: [Double] = []
    for device in devices {
      let rates = rows.filter {
        $0.device.hasPrefix(device) && $0.direction.hasPrefix("H2D") && $0.link.contains("PCI")
          && !$0.direction.contains("while") && !$0.host.contains("remote")
          && !$0.size.contains("0GiB")
      }.compactMap(\.bytesPerSecond).sorted()
      try #require(!rates.isEmpty, "no rows of \(device)")
      medians.append(rates[rates.count / 2])
    }
    medians.sort()
    let ours = try achievable(.link, part, "bandwidth")
    let middle = medians[medians.count / 2]
    #expect(ours >= medians[0] * 0.95 && ours <= medians[medians.count - 1] * 1.1)
    #expect(abs(ours / middle - 1) < 0.15, "\(ours) against \(medians)")
  }

  @Test func linksThatWereMeasured() throws {
    let rows = try rows()
    func rate(_ matches: (Row) -> Bool) throws -> Double {
      try #require(rows.first { matches($0) && $0.bytesPerSecond != nil }?.bytesPerSecond)
    }
    let gen5 = try rate { $0.test == "pcie_linear" && $0.direction == "H2D" }
    #expect(abs(try achievable(.link, "pcie-gen5-x16", "bandwidth") / gen5 - 1) < 0.03)
    let nvlink3 = try rate { $0.link == "NVLink" && $0.test.contains("write_ce") }
    #expect(abs(try achievable(.link, "nvlink3", "bandwidth") / nvlink3 - 1) < 0.01)
    let nvlink4 = try rate { $0.link == "NVLink4" } / 2
    #expect(abs(try achievable(.link, "nvlink4", "bandwidth") / nvlink4 - 1) < 0.01)
    let rome = try rate { $0.test == "STREAM CPU read" }
    #expect(abs(try achievable(.dram, "ddr4-3200-8ch", "bandwidth") / rome - 1) < 0.05)
    let threadripper = try rate { $0.test.hasPrefix("Intel mlc") }
    #expect(abs(try achievable(.dram, "ddr5-4800-8ch", "bandwidth") / threadripper - 1) < 0.05)
    let drive = try rate { $0.device.contains("980 PRO") && $0.size == "1g files" }
    #expect(abs(try achievable(.ssd, "samsung-980-pro-2tb", "read_bandwidth") / drive - 1) < 0.05)
    let oneWay = try rate { $0.device.hasPrefix("8-GPU") && $0.direction == "H2D" }
    let bothWays = try rate { $0.device.hasPrefix("8-GPU") && $0.direction.contains("while") }
    let share = try achievable(.link, "pcie-gen4-x16", "duplex_share")
    #expect(abs(share - bothWays / oneWay) < 0.01)
  }

  /// The two constants of a copy reproduce the measured batches of small copies.
  @Test func smallCopies() throws {
    let path = try #require(SharedData.path("hw_links/hw_measured.csv"))
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let link = try shipped.checkPart(.link, "pcie-gen4-x16")
    func value(_ path: String) -> Double { link.first { $0.path == path }?.figure.nominal ?? 0 }
    var checked = 0
    for line in text.split(whereSeparator: \.isNewline) {
      let fields = Self.fields(line)
      guard fields[3] == "n x memcpyAsync", let measured = Double(fields[5]) else { continue }
      let numbers = fields[4].split(whereSeparator: { !$0.isNumber }).compactMap { Double($0) }
      let (count, bytes) = (numbers[0], numbers[1])
      // The card of these rows reaches 28.4 GB/s.
      let seconds =
        value("latency") + count * (value("per_message") + bytes / 28.4e9)
      #expect(abs(seconds * 1e6 / measured - 1) < 0.04, "\(fields[4])")
      checked += 1
    }
    #expect(checked >= 8)
  }
}
