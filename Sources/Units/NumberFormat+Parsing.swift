// SPDX-License-Identifier: GPL-3.0-or-later

/// A text that names no number format.
public struct NumberFormatError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was found.
  public var text: String
  /// What was found and what would be right, in one line.
  public var description: String {
    "'\(text.prefix(40))' is no number format; known are "
      + NumberFormat.Element.allCases.map(\.name).joined(separator: ", ")
      + ", with groups such as int4-g64, int4-g128-zp, int4-g128-sym, int2-g16-meta8 "
      + "blocks such as fp8-128x128, or stated bits such as int3-b3.85"
  }
}

extension NumberFormat.Element {
  /// The name as configuration files write it.
  public var name: String {
    switch self {
    case .q80: "q8_0"
    case .q6K: "q6_k"
    case .q5K: "q5_k"
    case .q50: "q5_0"
    case .q4K: "q4_k"
    case .q41: "q4_1"
    case .q40: "q4_0"
    case .q3K: "q3_k"
    case .q2K: "q2_k"
    case .iq2XXS: "iq2_xxs"
    case .iq1S: "iq1_s"
    default: String(describing: self)
    }
  }
}

extension NumberFormat: CustomStringConvertible {
  /// The name as configuration files write it: "bf16", "int4-g64", "fp8-128x128".
  public var name: String {
    switch metadata {
    case .intrinsic: element.name
    case .scaleAndZero: "\(element.name)-g\(blockColumns)"
    case .packedZero: "\(element.name)-g\(blockColumns)-zp"
    case .scale: "\(element.name)-g\(blockColumns)-sym"
    case .quantized: "\(element.name)-g\(blockColumns)-meta8"
    case .blockScale: "\(element.name)-\(blockRows)x\(blockColumns)"
    case .stated: "\(element.name)-b\(bitsPerWeight)"
    }
  }

  /// The name of the format.
  public var description: String { name }

  /// Reads a format by its name, in any case; "float16", "bfloat16", "f32", "half" and
  /// "fp8_e4m3" are understood as well.
  /// - Throws: `NumberFormatError` listing what is known.
  public init(parsing text: String) throws(NumberFormatError) {
    let parts = text.lowercased().split(separator: "-", omittingEmptySubsequences: false)
    guard let head = parts.first, parts.count <= 3 else { throw NumberFormatError(text: text) }
    let synonym = Self.synonyms[String(head)] ?? String(head)
    guard let element = Element.allCases.first(where: { $0.name == synonym }) else {
      throw NumberFormatError(text: text)
    }
    let plain = NumberFormat(element)
    guard parts.count > 1 else {
      self = plain
      return
    }
    guard plain.blockElements == 1 else { throw NumberFormatError(text: text) }
    if parts[1].first == "b", parts.count == 2, let bits = Double(parts[1].dropFirst()), bits > 0,
      bits <= 64
    {
      self.init(element, statedBits: bits)
      return
    }
    if parts[1].first == "g", let columns = UInt16(parts[1].dropFirst()), columns > 0 {
      let metadata: Metadata? =
        switch parts.count == 3 ? parts[2] : "" {
        case "": parts.count == 3 ? nil : .scaleAndZero
        case "zp": .packedZero
        case "sym": .scale
        case "meta8": .quantized
        default: nil
        }
      guard let metadata else { throw NumberFormatError(text: text) }
      self.init(element, columns: columns, metadata: metadata)
      return
    }
    let sides = parts[1].split(separator: "x", omittingEmptySubsequences: false)
    guard parts.count == 2, sides.count == 2, let rows = UInt16(sides[0]),
      let columns = UInt16(sides[1]), rows > 0, columns > 0
    else { throw NumberFormatError(text: text) }
    self.init(element, rows: rows, columns: columns, metadata: .blockScale)
  }

  private static let synonyms: [String: String] = [
    "float32": "fp32", "f32": "fp32", "float": "fp32", "bfloat16": "bf16", "float16": "fp16",
    "f16": "fp16", "half": "fp16", "fp8_e4m3": "fp8", "fp8_e5m2": "fp8", "float8": "fp8",
    "float8_e4m3fn": "fp8", "uint8": "int8", "uint4": "int4", "q4_k_m": "q4_k", "q4_k_s": "q4_k",
  ]
}
