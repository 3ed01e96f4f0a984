// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// A column of a table of timings: its key, and how its values are read and written.
struct TimingColumn: Sendable {
  /// What a value is.
  enum Kind: Sendable {
    case text(WritableKeyPath<KernelMeasurement, String?> & Sendable)
    /// One of a few texts.
    case choice(WritableKeyPath<KernelMeasurement, String?> & Sendable, [String])
    /// The name of a number format (`NumberFormat`).
    case format(WritableKeyPath<KernelMeasurement, String?> & Sendable)
    /// A whole number of at least the second value.
    case integer(WritableKeyPath<KernelMeasurement, Int?> & Sendable, Int)
    /// A positive number.
    case number(WritableKeyPath<KernelMeasurement, Double?> & Sendable)
    case flag(WritableKeyPath<KernelMeasurement, Bool?> & Sendable)
    /// `device` or `source`, which every row has.
    case requiredText(WritableKeyPath<KernelMeasurement, String> & Sendable)
    case kernel
    case median
  }

  let key: KernelMeasurement.CodingKeys
  let kind: Kind

  /// The name in files.
  var name: String { key.rawValue }

  /// All columns in the order of files.
  static let all: [TimingColumn] = KernelMeasurement.CodingKeys.allCases.map {
    TimingColumn(key: $0, kind: kind(of: $0))
  }

  private static func kind(of key: KernelMeasurement.CodingKeys) -> Kind {
    switch key {
    case .device: .requiredText(\.device)
    case .kernel: .kernel
    case .model: .text(\.model)
    case .implementation: .text(\.implementation)
    case .m: .integer(\.m, 1)
    case .n: .integer(\.n, 1)
    case .k: .integer(\.k, 1)
    case .tokens: .integer(\.tokens, 1)
    case .experts: .integer(\.experts, 1)
    case .totalExperts: .integer(\.totalExperts, 1)
    case .activated: .integer(\.activated, 0)
    case .routed: .integer(\.routed, 0)
    case .topK: .integer(\.topK, 1)
    case .hidden: .integer(\.hidden, 1)
    case .width: .integer(\.width, 1)
    case .matrices: .integer(\.matrices, 2)
    case .batch: .integer(\.batch, 1)
    case .heads: .integer(\.heads, 1)
    case .kvHeads: .integer(\.kvHeads, 1)
    case .headSize: .integer(\.headSize, 1)
    case .query: .integer(\.query, 1)
    case .past: .integer(\.past, 0)
    case .bytes: .integer(\.bytes, 1)
    case .direction: .choice(\.direction, ["h2d", "d2h", "d2d", "h2h"])
    case .pinned: .flag(\.pinned)
    case .streams: .integer(\.streams, 1)
    case .threads: .integer(\.threads, 1)
    case .queueDepth: .integer(\.queueDepth, 1)
    case .chunk: .integer(\.chunk, 1)
    case .chunk: .integer(\.chunk, 1)
    case .devices: .integer(\.devices, 1)
    case .devicesPerNode: .integer(\.devicesPerNode, 1)
    case .precision: .format(\.precision)
    case .activationPrecision: .format(\.activationPrecision)
    case .kvPrecision: .format(\.kvPrecision)
    case .distribution: .text(\.distribution)
    case .loadRatio: .number(\.loadRatio)
    case .median: .median
    case .minimum: .number(\.minimum)
    case .maximum: .number(\.maximum)
    case .percentile99: .number(\.percentile99)
    case .repeats: .integer(\.repeats, 1)
    case .source: .requiredText(\.source)
    case .date: .text(\.date)
    }
  }

  /// The value of a row in this column, or `nil` where the row has none.
  func value(of row: KernelMeasurement) -> TimingValue? {
    switch kind {
    case .text(let path), .choice(let path, _), .format(let path):
      row[keyPath: path].map { .text($0) }
    case .integer(let path, _): row[keyPath: path].map { .bare("\($0)") }
    case .number(let path): row[keyPath: path].map { .bare("\($0)") }
    case .flag(let path): row[keyPath: path].map { .bare($0 ? "true" : "false") }
    case .requiredText(let path): .text(row[keyPath: path])
    case .kernel: .text(row.kernel.rawValue)
    case .median: .bare("\(row.median)")
    }
  }

  /// Sets the value of a row in this column.
  ///
  /// - Returns: What was expected, if the value is not that.
  func set(_ value: TimingValue, in row: inout KernelMeasurement) -> String? {
    switch kind {
    case .text(let path):
      guard case .text(let text) = value, !text.isEmpty else { return "a text" }
      row[keyPath: path] = text
    case .requiredText(let path):
      guard case .text(let text) = value, !text.isEmpty else { return "a text" }
      row[keyPath: path] = text
    case .choice(let path, let choices):
      guard case .text(let text) = value, choices.contains(text) else {
        return "one of " + choices.joined(separator: ", ")
      }
      row[keyPath: path] = text
    case .format(let path):
      guard case .text(let text) = value, Self.isFormat(text) else {
        return "a number format such as bf16, fp8, fp8-128x128, int4-g128"
      }
      row[keyPath: path] = text
    case .integer(let path, let least):
      guard let number = value.integer, number >= least else {
        return "a whole number of at least \(least)"
      }
      row[keyPath: path] = number
    case .number(let path):
      guard let number = value.number, number > 0 else { return "a number above 0" }
      row[keyPath: path] = number
    case .flag(let path):
      guard let flag = value.flag else { return "true or false" }
      row[keyPath: path] = flag
    case .kernel:
      guard case .text(let text) = value else { return "the name of a kernel" }
      guard let kernel = MeasuredKernel(rawValue: text) else {
        return "one of " + MeasuredKernel.allCases.map(\.rawValue).joined(separator: ", ")
      }
      row.kernel = kernel
    case .median:
      guard let number = value.number, number > 0 else { return "a number above 0" }
      row.median = number
    }
    return nil
  }
}

/// One value as it is written: within quotes or bare. A field of CSV is both.
enum TimingValue {
  case text(String)
  case bare(String)

  /// A whole number; a text only counts where it comes from CSV (`TimingTable` says so by `bare`).
  var integer: Int? {
    guard case .bare(let text) = self else { return nil }
    if let number = Int(text) { return number }
    guard let number = Double(text), number.magnitude < 0x1p53 else { return nil }
    return Int(exactly: number)
  }

  var number: Double? {
    guard case .bare(let text) = self, let number = Double(text), number.isFinite else {
      return nil
    }
    return number
  }

  var flag: Bool? {
    guard case .bare(let text) = self else { return nil }
    return text == "true" ? true : text == "false" ? false : nil
  }

  /// The value in the words of an error.
  var inWords: String {
    switch self {
    case .text(let text): "'\(text.prefix(40))'"
    case .bare(let text): text.isEmpty ? "nothing" : "\(text.prefix(40))"
    }
  }
}

extension TimingColumn {
  /// The formats of most rows are known without parsing.
  private static func isFormat(_ text: String) -> Bool {
    switch text {
    case "bf16", "fp16", "fp32", "fp8", "fp8-128x128", "int8", "int4", "mxfp4", "nvfp4": true
    default: (try? NumberFormat(parsing: text)) != nil
    }
  }

  /// Whether values are texts, which JSON quotes.
  var isText: Bool {
    switch kind {
    case .text, .choice, .format, .requiredText, .kernel: true
    case .integer, .number, .flag, .median: false
    }
  }
}
