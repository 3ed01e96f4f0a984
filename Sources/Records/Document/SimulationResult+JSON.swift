// SPDX-License-Identifier: GPL-3.0-or-later

public import Foundation
public import Serving

extension SimulationResult {
  /// Reads a result from the JSON that ``JSONRenderer`` writes.
  ///
  /// Throws a `ResultFormatError` that names the key at fault, or the schema version when this
  /// version of moesim can't read it.
  public init(json data: Data) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      let version = try decoder.decode(Version.self, from: data).schemaVersion
      guard version.prefix(while: { $0 != "." }) == "1" else {
        throw ResultFormatError(
          message: "schema_version is \(version); this version of moesim reads 1.x")
      }
      self = try decoder.decode(SimulationResult.self, from: data)
    } catch let error as DecodingError {
      throw ResultFormatError(error)
    }
  }

  private struct Version: Decodable {
    var schemaVersion: String
  }
}

/// What is wrong with a file that should hold a result.
public struct ResultFormatError: Error, CustomStringConvertible, Sendable {
  /// What was found and what would be right.
  public var message: String
  /// The message.
  public var description: String { message }

  init(message: String) {
    self.message = message
  }

  init(_ error: DecodingError) {
    let context: DecodingError.Context
    switch error {
    case .keyNotFound(let key, let found):
      message = "the key \(Self.path(found.codingPath + [key])) is missing"
      return
    case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found):
      context = found
    @unknown default:
      message = "no result: \(error)"
      return
    }
    let path = Self.path(context.codingPath)
    message = path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    keys.map { $0.intValue.map(String.init) ?? snakeCased($0.stringValue) }.joined(separator: ".")
  }
}
