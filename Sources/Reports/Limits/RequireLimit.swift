// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Records
public import Serving

/// A limit that a run must keep: "tpot_ms.p99<=100", "expert_cache.hit_rate>0.9".
///
/// The key is any dotted key of the report (docs/report-schema.md); the figure is compared as the
/// report prints it, at its resolution. Truth values are `true` and `false`, and a limit may be a
/// percentage where the figure is a share.
public struct RequireLimit: Sendable, Equatable, CustomStringConvertible {
  /// How the figure and the limit are compared.
  public enum Comparison: String, Sendable, CaseIterable {
    /// The figure is at most the limit.
    case atMost = "<="
    /// The figure is at least the limit.
    case atLeast = ">="
    /// The figure equals the limit.
    case equal = "=="
    /// The figure is below the limit.
    case below = "<"
    /// The figure is above the limit.
    case above = ">"

    /// Whether a figure keeps a limit.
    public func holds(_ figure: Double, _ limit: Double) -> Bool {
      switch self {
      case .atMost: figure <= limit
      case .atLeast: figure >= limit
      case .equal: figure == limit
      case .below: figure < limit
      case .above: figure > limit
      }
    }
  }

  /// What came out for one result.
  public enum Outcome: Sendable, Equatable {
    /// The limit was kept.
    case met(found: Double)
    /// It wasn't; the message says what was found and what was wanted.
    case missed(message: String)

    /// The message of a miss.
    public var miss: String? {
      if case .missed(let message) = self { message } else { nil }
    }
  }

  /// The exit code of a run that missed a limit.
  public static let exitCode: Int32 = 2

  /// The dotted key of the figure.
  public let key: String
  /// How it's compared.
  public let comparison: Comparison
  /// The limit, in the figure's unit.
  public let limit: Double
  /// The limit as it was written.
  private let limitText: String
  /// The page that lists the keys.
  private let page: String

  /// The limit as a condition.
  public var description: String { "\(key)\(comparison.rawValue)\(limitText)" }

  /// Reads a condition; throws when it is none or when no report of that kind has the key.
  public init(
    parsing text: String, keys schema: LimitSchema = .simulation
  ) throws(RequireLimitError) {
    guard let start = text.firstIndex(where: { "<>=!".contains($0) }),
      let comparison = Comparison.allCases.first(where: { text[start...].hasPrefix($0.rawValue) })
    else {
      throw RequireLimitError(
        "\"\(text)\" is no condition; write KEY, one of <= >= == < >, and a number, as in "
          + "tpot_ms.p99<=100")
    }
    let key = text[..<start].trimmed
    let limitText = text[start...].dropFirst(comparison.rawValue.count).trimmed
    guard !key.isEmpty else {
      throw RequireLimitError("\"\(text)\" names no figure before \(comparison.rawValue)")
    }
    guard let limit = Self.number(limitText) else {
      throw RequireLimitError(
        "\"\(limitText)\" in \"\(text)\" is no number; write the limit in the unit of the key, as "
          + "in tpot_ms.p99<=100")
    }
    guard schema.mayContain(key) else {
      throw RequireLimitError(
        unknown: key, in: text, closest: schema.closest(key), page: schema.page)
    }
    self.key = key
    self.comparison = comparison
    self.limit = limit
    self.limitText = limitText
    page = schema.page
  }

  private static func number(_ text: String) -> Double? {
    if text == "true" { return 1 }
    if text == "false" { return 0 }
    let isPercentage = text.hasSuffix("%")
    let digits = isPercentage ? text.dropLast().trimmed : text
    guard let value = Double(digits), value.isFinite else { return nil }
    return isPercentage ? Resolution.round(value / 100, decimals: 15) : value
  }

  /// Judges one result; throws when it has no such figure, or one that is no number.
  public func evaluate(_ result: SimulationResult) throws(RequireLimitError) -> Outcome {
    try evaluate(ResultDocument(result))
  }

  /// Judges one document; throws when it has no such figure, or one that is no number.
  public func evaluate(_ document: ResultDocument) throws(RequireLimitError) -> Outcome {
    try evaluate(document.value, omitted: document.omitted)
  }

  /// Judges one tree of figures; throws when it has no such figure, or one that is no number.
  ///
  /// - Parameter omitted: For figures that are absent, their keys and the reasons.
  public func evaluate(
    _ value: ReportValue, omitted: [(key: String, reason: String)] = []
  ) throws(RequireLimitError) -> Outcome {
    let leaves = value.flattened()
    if let leaf = leaves.first(where: { $0.key == key }), leaf.value != .null {
      guard let found = leaf.value.numericValue else {
        throw RequireLimitError("\(key) in \"\(self)\" is text, which has no limit")
      }
      guard !comparison.holds(found, limit) else { return .met(found: found) }
      let text = CSVText.field(leaf.value)
      return .missed(message: "\(self) was missed: found \(key) = \(text), wanted \(wanted)")
    }
    let absent = leaves.first {
      $0.value == .null && ($0.key == key || key.hasPrefix($0.key + "."))
    }
    guard let absent else {
      throw RequireLimitError(
        unknown: key, in: description, closest: closestMatch(to: key, among: leaves.map(\.key)),
        page: page)
    }
    let reason =
      omitted.first { $0.key == absent.key }.map { ", because \($0.reason)" } ?? ""
    return .missed(
      message: "\(self) was missed: found no \(absent.key)\(reason); wanted \(wanted)")
  }

  private var wanted: String {
    "\(comparison.rawValue) \(limitText)"
  }
}

/// What is wrong with a limit itself, a mistake of usage (exit code 64).
public struct RequireLimitError: Error, CustomStringConvertible, Sendable, Equatable {
  /// What was found and what would be right.
  public let description: String

  init(_ message: String) {
    description = message
  }

  init(unknown key: String, in text: String, closest: String?, page: String) {
    let hint = closest.map { "; did you mean \($0)?" } ?? "; \(page) lists the keys"
    description = "no report has the key \(key) (in \"\(text)\")\(hint)"
  }
}

extension StringProtocol {
  /// The text without white space around it.
  fileprivate var trimmed: String {
    var text = Substring(self)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
