// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
public import Serving
import Workload

/// Writes what became of each request of a run, as it ends: CSV, or JSON Lines where the file's name
/// ends with `.jsonl`. docs/requests-format.md describes the columns.
///
/// The first write that fails is kept and thrown by ``finish()``; the file gets its name only there.
/// Copies share the file.
public struct RequestLogWriter: RequestSink {
  private final class File {
    let output: OutputWriter
    var failure: WriteFailure?
    init(_ output: OutputWriter) { self.output = output }

    func write(_ text: String) {
      guard failure == nil else { return }
      do throws(WriteFailure) { try output.write(text) } catch { failure = error }
    }
  }

  /// The columns, which are the keys in JSON Lines.
  public static let columns = [
    "request", "arrival_s", "queued_s", "scheduled_s", "first_token_s", "last_token_s",
    "prompt_tokens", "output_tokens", "replica", "fate",
  ]

  private let file: File
  private let isJSON: Bool

  /// A log that goes to a file.
  public init(path: String) throws(WriteFailure) {
    file = File(try OutputWriter(path: path))
    isJSON = path.hasSuffix(".jsonl")
    if !isJSON { file.write(CSVText.line(Self.columns)) }
  }

  /// Writes one request. A rejected one has neither been scheduled nor got tokens.
  public mutating func take(_ outcome: RequestOutcome) {
    let isCompleted = outcome.fate == .completed
    let times = [outcome.scheduled, outcome.firstToken, outcome.lastToken].map {
      isCompleted ? SecondsText.string(nanoseconds: $0) : nil
    }
    let numbers: [String?] =
      ["\(outcome.number)", SecondsText.string(nanoseconds: outcome.arrival)]
      + [SecondsText.string(nanoseconds: outcome.queued)] + times
      + ["\(outcome.promptTokens)", "\(outcome.outputTokens)", "\(outcome.replica)"]
    if isJSON {
      let members = zip(Self.columns, numbers).map { "\"\($0)\":\($1 ?? "null")" }
      file.write("{\(members.joined(separator: ",")),\"fate\":\"\(outcome.fate.name)\"}\n")
    } else {
      file.write(CSVText.line(numbers.map { $0 ?? "" } + [outcome.fate.name]))
    }
  }

  /// Ends the log and gives the file its name.
  public func finish() throws(WriteFailure) {
    if let failure = file.failure {
      file.output.abandon()
      throw failure
    }
    try file.output.finish()
  }
}

/// Nanoseconds as seconds in decimals.
enum SecondsText {
  /// All nine decimals, so that nothing is lost: "12.345678901".
  static func string(nanoseconds: UInt64) -> String {
    let fraction = String(nanoseconds % 1_000_000_000)
    return "\(nanoseconds / 1_000_000_000)."
      + String(repeating: "0", count: 9 - fraction.count) + fraction
  }
}
