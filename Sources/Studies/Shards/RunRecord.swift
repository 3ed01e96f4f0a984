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
  /// The report, without what depends on the host; `nil` where there is none.
  public var result: ReportValue?
  /// The means of batches of five end-to-end latencies [s], in order of arrival, of pilots.
  public var series: [Double]?

  /// A record of these values.
  public init(
    id: String, status: Status, message: String? = nil, result: ReportValue? = nil,
    series: [Double]? = nil
  ) {
    self.id = id
    self.status = status
    self.message = message
    self.result = result
    self.series = series
  }

  /// The line, without its newline.
  public var line: String {
    var members: [ReportValue.Member] = [
      .init("id", .text(id)), .init("status", .text(status.rawValue)),
    ]
    if let message { members.append(.init("message", .text(message))) }
    if let result { members.append(.init("result", result)) }
    if let series { members.append(.init("series", .list(series.map(ReportValue.number)))) }
    return JSONText.text(of: .object(members), layout: .compact)
  }

  /// Reads a line; `nil` where it is no record, such as a line that was cut off.
  public init?(line: Data) {
    guard line.first == UInt8(ascii: "{"), line.last == UInt8(ascii: "}"),
      let value = try? ReportValue(json: line), let id = value["id"]?.textValue,
      let status = value["status"]?.textValue.flatMap(Status.init)
    else { return nil }
    self.id = id
    self.status = status
    message = value["message"]?.textValue
    result = value["result"]
    if case .list(let values)? = value["series"] { series = values.compactMap(\.numericValue) }
  }

  /// A figure of the result by its dotted key; `nil` where there is none.
  public func figure(_ key: String) -> Double? {
    var value = result
    for part in key.split(separator: ".") { value = value?[String(part)] }
    return value?.numericValue
  }
}

extension ReportValue {
  /// The text, where the value is one.
  package var textValue: String? {
    if case .text(let text) = self { text } else { nil }
  }
}
