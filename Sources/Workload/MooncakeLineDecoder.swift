// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Reads one line of a Mooncake trace (Qin et al., "Mooncake", FAST 2025; github.com/kvcache-ai/Mooncake).
struct MooncakeLineDecoder {
  private struct Line: Decodable {
    var timestamp: Double
    var inputLength: Int64
    var outputLength: Int64
    var hashIDs: [UInt64]?

    enum CodingKeys: String, CodingKey {
      case timestamp
      case inputLength = "input_length"
      case outputLength = "output_length"
      case hashIDs = "hash_ids"
    }
  }

  private let decoder = JSONDecoder()

  /// Reads a line into a record.
  func decode(_ line: [UInt8], into record: inout RequestRecord) throws(FieldError) {
    let decoded: Line
    do {
      decoded = try decoder.decode(Line.self, from: Data(line))
    } catch let error as DecodingError {
      throw FieldError(message: Self.describe(error, in: line), column: 1)
    } catch {
      throw FieldError(message: "is not JSON: \(error)", column: 1)
    }
    let milliseconds = decoded.timestamp
    guard milliseconds.isFinite, milliseconds >= 0,
      milliseconds * 1e6 <= Double(RequestLimits.maximumArrivalNanoseconds)
    else {
      throw FieldError(
        message: "timestamp is \(milliseconds); milliseconds from 0 to 31 years are expected",
        column: 1)
    }
    record.arrivalNanoseconds = Int64((milliseconds * 1e6).rounded())
    record.promptTokens = try Self.tokens(decoded.inputLength, "input_length")
    record.outputTokens = try Self.tokens(decoded.outputLength, "output_length")
    let blocks = decoded.hashIDs ?? []
    guard blocks.count <= RequestLimits.maximumPrefixBlocks else {
      throw FieldError(message: "hash_ids holds \(blocks.count) blocks, too many", column: 1)
    }
    record.prefixBlocks.removeAll(keepingCapacity: true)
    record.prefixBlocks.append(contentsOf: blocks)
  }

  private static func tokens(_ value: Int64, _ name: String) throws(FieldError) -> Int32 {
    guard value >= 1, value <= Int64(RequestLimits.maximumTokens) else {
      throw FieldError(
        message: "\(name) is \(value); 1 to \(RequestLimits.maximumTokens) tokens are expected",
        column: 1)
    }
    return Int32(value)
  }

  private static func describe(_ error: DecodingError, in line: [UInt8]) -> String {
    switch error {
    case .keyNotFound(let key, _):
      return "lacks '\(key.stringValue)'; timestamp, input_length and output_length are required"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      let key = context.codingPath.first?.stringValue ?? "the line"
      return "\(key) is not the number (or list of numbers) that is expected"
    case .dataCorrupted(let context):
      if let key = context.codingPath.first?.stringValue {
        return "\(key) holds a number that is out of range"
      }
      // The decoder calls a number that does not fit damaged data as well.
      if (try? JSONSerialization.jsonObject(with: Data(line))) != nil {
        return "holds a number that is out of range"
      }
      return "is not a JSON object"
    @unknown default:
      return "is not a request"
    }
  }
}
