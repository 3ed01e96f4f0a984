// SPDX-License-Identifier: GPL-3.0-or-later

/// Writes requests in moesim's own CSV format, as text for the caller to put somewhere.
public struct RequestTraceWriter: Sendable {
  /// Whether a column of prefix blocks is written.
  public let hasPrefixBlocks: Bool

  /// Whether a column of priorities is written.
  public let hasPriorities: Bool

  /// Creates a writer.
  public init(hasPrefixBlocks: Bool = false, hasPriorities: Bool = false) {
    self.hasPrefixBlocks = hasPrefixBlocks
    self.hasPriorities = hasPriorities
  }

  /// The lines above the first request: comments, then the names of the columns.
  public func header(comments: [String]) -> String {
    let lines = comments.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }
    let names = RequestTraceFormat.moesimColumns.joined(separator: ",")
    return lines.map { $0.isEmpty ? "#\n" : "# \($0)\n" }.joined() + names
      + (hasPrefixBlocks ? ",\(RequestTraceFormat.prefixColumn)" : "")
      + (hasPriorities ? ",\(RequestTraceFormat.priorityColumn)\n" : "\n")
  }

  /// The line of one request. Times are exact to the nanosecond, without trailing zeros.
  public func line(
    arrivalNanoseconds: UInt64, promptTokens: Int32, outputTokens: Int32,
    prefixBlocks: ArraySlice<UInt64> = [], priority: Int32 = 0
  ) -> String {
    let fraction = String(arrivalNanoseconds % 1_000_000_000)
    var digits = String(repeating: "0", count: 9 - fraction.count) + fraction
    while digits.last == "0" { digits.removeLast() }
    let time = "\(arrivalNanoseconds / 1_000_000_000)" + (digits.isEmpty ? "" : ".\(digits)")
    let blocks =
      hasPrefixBlocks ? "," + prefixBlocks.map { String($0) }.joined(separator: " ") : ""
    let urgency = hasPriorities ? ",\(priority)" : ""
    return "\(time),\(promptTokens),\(outputTokens)\(blocks)\(urgency)\n"
  }
}
