// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Records

/// What became of one run: a line of a part file.
///
/// The line depends on the scenario alone, so that two attempts at one run write the same bytes; what
/// depends on the host stands in a file beside it.
public struct RunRecord: Sendable, Equatable {
  /// How a run ended.
  public enum Status: String, Sendable, CaseIterable {
    /// With a result.
    case ok
    /// With a result that has no steady state: load exceeds capacity.
    case unstable
    /// The model does not fit in the machine's memories.
    case infeasible
    /// With an error.
    case failed
    /// The process died of it, more than once.
    case crashed
    /// It was given up after the time that the study allows.
    case timeout

    /// Whether every attempt ends so.
    public var isDeterministic: Bool { self != .crashed && self != .timeout }
    /// Whether nothing is known of the scenario.
    public var isFailure: Bool { self == .failed || !isDeterministic }
  }

  /// The run's identity.
  public var id: String
  /// How it ended.
  public var status: Status
  /// Why, where it has no result.
  public var message: String?
  /// The report as JSON in one line, without what depends on the host; `nil` where there is none.
  public var resultText: String?
  /// The means of batches of five end-to-end latencies [s], in order of arrival, of pilots.
  public var series: [Double]?

  /// A record of these values.
  public init(
    id: String, status: Status, message: String? = nil, result: ReportValue? = nil,
    series: [Double]? = nil
  ) {
    self.init(
      id: id, status: status, message: message,
      resultText: result.map { JSONText.text(of: $0, layout: .compact) }, series: series)
  }

  /// A record whose report is given as JSON in one line.
  init(id: String, status: Status, message: String?, resultText: String?, series: [Double]?) {
    self.id = id
    self.status = status
    self.message = message
    self.resultText = resultText
    self.series = series
  }

  /// The report; `nil` where there is none.
  ///
  /// - Complexity: O(*n*) in the text, which is read anew each time: a tree takes many times its room.
  public var result: ReportValue? {
    resultText.flatMap { try? ReportValue(json: Data($0.utf8)) }
  }

  /// The line, without its newline: keys sorted, `id` first.
  public var line: String {
    var line = "{\"id\":" + JSONText.quoted(id)
    if let message { line += ",\"message\":" + JSONText.quoted(message) }
    if let resultText { line += ",\"result\":" + resultText }
    if let series {
      let values = ReportValue.list(series.map(ReportValue.number))
      line += ",\"series\":" + JSONText.text(of: values, layout: .compact)
    }
    return line + ",\"status\":" + JSONText.quoted(status.rawValue) + "}"
  }

  /// Reads a line; `nil` where it is no record, such as a line that was cut off.
  ///
  /// - Complexity: O(*n*); the result is checked and not read.
  public init?(line: Data) {
    guard line.first == UInt8(ascii: "{"), line.last == UInt8(ascii: "}"),
      let members = try? JSONMembers(of: line), let id = members["id"]?.textValue,
      let status = members["status"]?.textValue.flatMap(Status.init)
    else { return nil }
    var series: [Double]?
    if case .list(let values)? = members["series"] { series = values.compactMap(\.numericValue) }
    self.init(
      id: id, status: status, message: members["message"]?.textValue,
      resultText: members.text(of: "result"), series: series)
  }

  /// A figure of the result by its dotted key; `nil` where there is none.
  public func figure(_ key: String) -> Double? {
    resultText.flatMap {
      ReportValue.value(at: key.split(separator: "."), in: $0)?.numericValue
    }
  }
}

extension ReportValue {
  /// The text, where the value is one.
  package var textValue: String? {
    if case .text(let text) = self { text } else { nil }
  }
}
