// SPDX-License-Identifier: GPL-3.0-or-later

extension ReportValue {
  /// Every leaf with its dotted key, in the order of the tree.
  ///
  /// An element of a list goes by its name where it has one: `resources.gpu0.h2d.mean_wait_ms`,
  /// `traffic.gpu0.h2d.demand.bytes`, `expert_cache.tiers.hbm.layers.3.hits`,
  /// `time_ms_per_token.attention`; by its index elsewhere. Empty lists and objects have no leaf.
  public func flattened() -> [Member] {
    var result: [Member] = []
    appendLeaves(path: "", to: &result)
    return result
  }

  private func appendLeaves(path: String, to result: inout [Member]) {
    switch self {
    case .object(let members):
      for member in members {
        member.value.appendLeaves(path: joined(path, member.key), to: &result)
      }
    case .list(let values):
      var used: [String: Int] = [:]
      for (index, value) in values.enumerated() {
        let (name, rest) = value.identified(index: index)
        let uses = used[name, default: 0] + 1
        used[name] = uses
        let unique = uses == 1 ? name : "\(name)#\(uses)"
        rest.appendLeaves(path: joined(path, unique), to: &result)
      }
    case .null, .bool, .integer, .unsigned, .number, .text:
      result.append(.init(path, self))
    }
  }

  /// What an element of a list goes by, and what it holds beside that.
  private func identified(index: Int) -> (name: String, rest: ReportValue) {
    guard case .object(let members) = self else { return (String(index), self) }
    for keys in [["name"], ["link", "purpose"], ["resource"], ["layer"]] {
      let names = keys.compactMap { self[$0]?.nameText }
      guard names.count == keys.count else { continue }
      let rest = members.filter { !keys.contains($0.key) }
      if rest.count == 1, rest[0].key == "value" { return (names[0], rest[0].value) }
      return (names.joined(separator: "."), .object(rest))
    }
    return (String(index), self)
  }

  private var nameText: String? {
    switch self {
    case .text(let text): text
    case .integer(let number): String(number)
    default: nil
    }
  }
}
