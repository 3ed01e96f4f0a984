// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// The output of NVIDIA's nvbandwidth, as text or JSON.
///
/// A copy in one direction becomes a row of `copy` for each GPU or pair: the bytes of the buffer
/// over the bandwidth (GB/s, 10⁹). The output does not say the size of the buffer: it is the usual
/// 512 MiB unless the options say otherwise. Host memory is locked (`cuMemHostAlloc`).
public struct NvbandwidthImporter: TimingImporter {
  /// "nvbandwidth".
  public let name = "nvbandwidth"
  /// What is read, in one line.
  public let summary = "nvbandwidth: copies between host and GPUs (text or --json)"
  /// nvbandwidth's usual buffer [B] (`defaultBufferSize` of its common.h).
  public static let usualBytes = 512 << 20

  /// The size of the buffer may be named.
  public let usesCopyBytes = true

  /// Creates the importer.
  public init() {}

  /// Reads one output.
  ///
  /// - Throws: As `TimingImporter.read`.
  public func read(
    _ path: String, options: ImportOptions, into result: inout ImportedTimings
  ) throws {
    let text = String(decoding: try CSVLines.bytes(of: path), as: UTF8.self)
    let output =
      text.first { !$0.isWhitespace } == "{"
      ? try Self.parseJSON(text, path) : try Self.parseText(text, path)
    for test in output.tests {
      guard let kind = Self.kinds.first(where: { $0.name == test.name }) else {
        result.skip("test \(test.name)")
        continue
      }
      for value in test.values where value.bandwidth > 0 {
        guard let device = options.device ?? output.device(value.column) else {
          throw Diagnostic(
            location: value.place,
            message: "the output tells no name of device \(value.column); name it with --device")
        }
        let bytes = options.copyBytes ?? Self.usualBytes
        var row = KernelMeasurement(
          device: device, kernel: .copy, median: Double(bytes) / (value.bandwidth * 1e9),
          source: "nvbandwidth")
        row.bytes = bytes
        row.direction = kind.direction
        row.pinned = kind.direction == "d2d" ? nil : true
        row.streams = 1
        row.devices = kind.isPeer ? 2 : 1
        row.implementation = kind.words
        try result.add(row, at: value.place)
      }
    }
  }

  /// The tests that are one copy at a time in one direction.
  private struct Kind {
    var name: String
    var direction: String
    var words: String
    var isPeer = false
  }

  private static let kinds = [
    Kind(name: "host_to_device_memcpy_ce", direction: "h2d", words: "copy engine"),
    Kind(name: "device_to_host_memcpy_ce", direction: "d2h", words: "copy engine"),
    Kind(name: "host_to_device_memcpy_sm", direction: "h2d", words: "kernel"),
    Kind(name: "device_to_host_memcpy_sm", direction: "d2h", words: "kernel"),
    Kind(name: "device_local_copy", direction: "d2d", words: "copy engine, within a device"),
    Kind(
      name: "device_to_device_memcpy_read_ce", direction: "d2d", words: "copy engine, peer read",
      isPeer: true),
    Kind(
      name: "device_to_device_memcpy_write_ce", direction: "d2d",
      words: "copy engine, peer write", isPeer: true),
    Kind(
      name: "device_to_device_memcpy_read_sm", direction: "d2d", words: "kernel, peer read",
      isPeer: true),
    Kind(
      name: "device_to_device_memcpy_write_sm", direction: "d2d", words: "kernel, peer write",
      isPeer: true),
  ]

  /// One output, whichever way it was written.
  private struct Output {
    struct Value {
      var column: Int
      var bandwidth: Double
      var place: SourceLocation
    }
    struct Test {
      var name: String
      var values: [Value] = []
    }
    var tests: [Test] = []
    var devices: [(index: Int, name: String)] = []

    func device(_ index: Int) -> String? { devices.first { $0.index == index }?.name }
  }

  private static func value(
    _ text: String, column: Int, at place: SourceLocation
  ) throws -> Output.Value {
    if text == "N/A" { return Output.Value(column: column, bandwidth: 0, place: place) }
    guard let number = Double(text), number.isFinite, number >= 0 else {
      throw Diagnostic(location: place, message: "expected a bandwidth or N/A; found '\(text)'")
    }
    return Output.Value(column: column, bandwidth: number, place: place)
  }

  private static func parseJSON(_ text: String, _ path: String) throws -> Output {
    let root = try ConfigurationNode.parse(text, file: path)
    guard let output = root["nvbandwidth"], let tests = output["testcases"]?.sequence else {
      throw Diagnostic(
        location: root.location, path: "nvbandwidth.testcases",
        message: "expected the list of nvbandwidth's tests")
    }
    var result = Output()
    // "0: NVIDIA H100 80GB HBM3 (00000000:18:00): (host)"
    for node in output["GPU Device list"]?.sequence ?? [] {
      let parts = (node.scalar ?? "").split(separator: ":", maxSplits: 1)
      guard parts.count == 2, let index = Int(parts[0]) else { continue }
      result.devices.append((index, deviceName(parts[1])))
    }
    for test in tests {
      guard let name = test["name"]?.scalar else {
        throw Diagnostic(location: test.location, path: "name", message: "is missing")
      }
      var found = Output.Test(name: name)
      for row in test["bandwidth_matrix"]?.sequence ?? [] {
        for (column, cell) in (row.sequence ?? []).enumerated() {
          found.values.append(
            try value(cell.scalar ?? "", column: column, at: cell.location))
        }
      }
      if test["bandwidth_matrix"] != nil { result.tests.append(found) }
    }
    return result
  }

  /// "Running NAME.", then a line of words, a line of column numbers, and a line for each row.
  private static func parseText(_ text: String, _ path: String) throws -> Output {
    var result = Output()
    var columns: [Int] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let place = SourceLocation(file: path, line: index + 1, column: 1)
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" })
      if line.hasPrefix("Running "), let name = words.dropFirst().first {
        result.tests.append(Output.Test(name: String(name.hasSuffix(".") ? name.dropLast() : name)))
        columns = []
      } else if line.hasPrefix("Device "), words.count > 2, let number = Int(words[1].dropLast()) {
        result.devices.append((number, deviceName(line.split(separator: ":", maxSplits: 1)[1])))
      } else if !result.tests.isEmpty, let first = words.first, Int(first) != nil {
        if words.allSatisfy({ Int($0) != nil }) {
          columns = words.compactMap { Int($0) }
        } else {
          guard words.count == columns.count + 1 else {
            throw Diagnostic(
              location: place,
              message: "expected \(columns.count) bandwidths; found \(words.count - 1)")
          }
          for (column, word) in zip(columns, words.dropFirst()) {
            result.tests[result.tests.count - 1].values.append(
              try value(String(word), column: column, at: place))
          }
        }
      }
    }
    guard !result.tests.isEmpty else {
      throw Diagnostic(
        location: SourceLocation(origin: path),
        message: "expected nvbandwidth's output, with lines 'Running host_to_device_memcpy_ce.'")
    }
    return result
  }

  /// The name before the address in brackets.
  private static func deviceName(_ text: Substring) -> String {
    let end = text.range(of: " (")?.lowerBound ?? text.endIndex
    return text[..<end].trimmingCharacters(in: .whitespaces)
  }
}
