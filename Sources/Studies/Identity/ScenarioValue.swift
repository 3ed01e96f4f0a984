// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Records
import Units

/// Scenarios as trees of values: as they are written into plans, and as they are identified.
enum ScenarioValue {
  /// A node as JSON that reads back as the same scenario: bare numbers and truth values stay what
  /// they are, all else is text; keys keep the order of the file.
  static func written(_ node: ConfigurationNode) -> ReportValue {
    convert(node) { text, quoted in quoted ? .text(text) : bare(text) ?? .text(text) }
  }

  /// The node of a scenario as it was written into a plan.
  static func node(
    of value: ReportValue, location: SourceLocation, path: String = ""
  ) -> ConfigurationNode {
    let content: ConfigurationNode.Content
    switch value {
    case .null: content = .null
    case .bool(let value): content = .scalar(value ? "true" : "false", quoted: false)
    case .integer(let value): content = .scalar("\(value)", quoted: false)
    case .unsigned(let value): content = .scalar("\(value)", quoted: false)
    case .number(let value): content = .scalar(plainDecimal(value), quoted: false)
    case .text(let text): content = .scalar(text, quoted: true)
    case .list(let values):
      content = .sequence(
        values.enumerated().map {
          node(of: $1, location: location, path: "\(path)[\($0)]")
        })
    case .object(let members):
      content = .mapping(
        members.map { member in
          ConfigurationNode.Entry(
            key: member.key, keyLocation: location,
            value: node(
              of: member.value, location: location,
              path: path.isEmpty ? member.key : "\(path).\(member.key)"))
        })
    }
    return ConfigurationNode(content, location: location, path: path)
  }

  /// A node in the form by which scenarios are told apart: quantities in base units, so that
  /// "1 GiB" is "1024 MiB", and keys whose order counts as lists.
  static func normalized(_ node: ConfigurationNode) -> ReportValue {
    convert(node) { text, quoted in
      if !quoted, let bare = bare(text) { return bare }
      guard let quantity = try? Quantity(parsing: text), quantity.dimension != .count else {
        return .text(text)
      }
      return .object([
        .init("unit", .text("\(quantity.dimension)")), .init("value", .number(quantity.value)),
      ])
    } listing: { path in
      // Later formats go before earlier ones.
      path == "precision"
    }
  }

  private static func bare(_ text: String) -> ReportValue? {
    switch text {
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: break
    }
    if let integer = Int64(text) { return .integer(integer) }
    guard let quantity = try? Quantity(parsing: text), quantity.dimension == .count else {
      return nil
    }
    return .number(quantity.value)
  }

  private static func convert(
    _ node: ConfigurationNode, _ scalar: (String, Bool) -> ReportValue,
    listing isList: (String) -> Bool = { _ in false }
  ) -> ReportValue {
    switch node.content {
    case .null: return .null
    case .scalar(let text, let quoted): return scalar(text, quoted)
    case .sequence(let elements):
      return .list(elements.map { convert($0, scalar, listing: isList) })
    case .mapping(let entries):
      let members = entries.map {
        ReportValue.Member($0.key, convert($0.value, scalar, listing: isList))
      }
      guard isList(node.path) else { return .object(members) }
      return .list(members.map { .list([.text($0.key), $0.value]) })
    }
  }
}
