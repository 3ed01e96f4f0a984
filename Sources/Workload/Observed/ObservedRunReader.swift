// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// Reads what serving benchmarks write about the requests that they sent.
///
/// The format is recognised by the file's content. Whatever is wrong is thrown as one `Diagnostic`
/// with file, line and key.
public enum ObservedRunReader {
  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - format: Its format, where it is not to be recognised.
  /// - Throws: `MissingFile`, or a `Diagnostic` when the file holds no run.
  public static func read(path: String, format: ObservedFormat? = nil) throws -> ObservedRun {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw MissingFile(
        path: path,
        hint: FileManager.default.fileExists(atPath: path) ? "it cannot be read as a file" : "")
    }
    return try read(bytes: [UInt8](data), file: path, format: format)
  }

  /// Reads a file that is already in memory; `file` names it in errors.
  public static func read(
    bytes: [UInt8], file: String, format: ObservedFormat? = nil
  ) throws -> ObservedRun {
    let document = ObservedDocument(bytes: bytes, file: file)
    let format = try format ?? recognize(document)
    var run: ObservedRun
    switch format {
    case .llmservingsim: run = try LLMServingSimRunReader(document).read()
    case .vllm: run = try VLLMRunReader(document).read()
    case .aiperf: run = try AIPerfRunReader(document).read()
    case .aiperfSummary: run = try AIPerfSummaryReader(document).read()
    }
    guard run.requestCount > 0 else {
      throw document.diagnostic("", "holds no request that was answered")
    }
    if run.leftOut > 0 {
      run.notices.append(
        "\(run.leftOut) requests that failed, were cancelled or belong to a warm-up are left out of"
          + " both sides")
    }
    return run
  }

  private static func recognize(_ document: ObservedDocument) throws -> ObservedFormat {
    if let keys = document.keysOfFirstLine, let format = ObservedFormat.recognized(keys: keys) {
      return format
    }
    let keys: Set<String>
    do { keys = try document.decode(ObjectKeys.self).keys } catch {
      throw document.diagnostic(
        "", "is neither a JSON object nor JSON Lines; expected results of \(names)")
    }
    guard let format = ObservedFormat.recognized(keys: keys) else {
      throw document.diagnostic(
        "", "has no key by which results of a benchmark are known; expected those of \(names)")
    }
    return format
  }

  private static var names: String {
    ObservedFormat.allCases.map(\.rawValue).joined(separator: ", ")
  }
}

/// The keys of a JSON object, whatever their values.
struct ObjectKeys: Decodable {
  var keys: Set<String>

  init(from decoder: any Decoder) throws {
    keys = Set(try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue))
  }

  struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
