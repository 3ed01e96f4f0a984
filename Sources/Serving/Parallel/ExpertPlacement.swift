// SPDX-License-Identifier: GPL-3.0-or-later

/// Which groups of GPUs hold which routed experts.
public struct ExpertPlacement: Hashable, Sendable {
  /// A way to place experts.
  public enum Rule: Hashable, Sendable {
    /// Neighbouring experts in one group: vLLM's `linear`.
    case contiguous
    /// Experts in turn, one to a group: vLLM's `round_robin`.
    case roundRobin
    /// By load, with so many copies of popular experts beside the first ones in each layer, in the
    /// manner of DeepSeek's EPLB: the expert with the greatest load per copy gets the next copy, then
    /// copies go, heaviest first, to the least loaded group with room.
    case balanced(copies: Int)
  }

  /// Groups of GPUs.
  public let groups: Int
  /// Experts of a layer.
  public let experts: Int
  /// The most experts, copies counted, that a group holds of a layer.
  public let slotsPerGroup: Int
  /// Where the groups of each layer's experts begin in `hosts`, and the end.
  private let first: [Int32]
  private let hosts: [Int32]

  /// Places the experts of every layer.
  ///
  /// - Parameters:
  ///   - loads: The share of each layer's choices that each expert gets, layer by layer; needed by
  ///     ``Rule/balanced(copies:)`` alone.
  /// - Precondition: experts, copies included, are a multiple of the groups.
  public init(_ rule: Rule, layers: Int, experts: Int, groups: Int, loads: [[Double]] = []) {
    precondition(groups >= 1 && experts >= 1, "There is at least one group and one expert.")
    self.groups = groups
    self.experts = experts
    var copies = 0
    if case .balanced(let count) = rule { copies = count }
    slotsPerGroup = (experts + copies + groups - 1) / groups
    var first: [Int32] = [0]
    var hosts: [Int32] = []
    for layer in 0..<layers {
      switch rule {
      case .contiguous:
        let own = (experts + groups - 1) / groups
        for expert in 0..<experts {
          hosts.append(Int32(expert / own))
          first.append(Int32(hosts.count))
        }
      case .roundRobin:
        for expert in 0..<experts {
          hosts.append(Int32(expert % groups))
          first.append(Int32(hosts.count))
        }
      case .balanced:
        let placed = Self.balance(
          loads[layer], copies: copies, groups: groups, slots: slotsPerGroup)
        for expert in placed {
          hosts += expert
          first.append(Int32(hosts.count))
        }
      }
    }
    self.first = first
    self.hosts = hosts
  }

  /// The groups that hold an expert of a MoE layer; its tokens are shared among them evenly.
  @inline(__always)
  func hosts(layer: Int, expert: Int) -> ArraySlice<Int32> {
    let place = layer * experts + expert
    return hosts[Int(first[place])..<Int(first[place + 1])]
  }

  /// The groups of each expert of one layer.
  private static func balance(
    _ loads: [Double], copies: Int, groups: Int, slots: Int
  ) -> [[Int32]] {
    var counts = [Int](repeating: 1, count: loads.count)
    for _ in 0..<copies {
      var heaviest = 0
      for expert in loads.indices
      where loads[expert] / Double(counts[expert])
        > loads[heaviest] / Double(counts[heaviest])
      {
        heaviest = expert
      }
      counts[heaviest] += 1
    }
    var parts: [(expert: Int, load: Double)] = []
    for expert in loads.indices {
      for _ in 0..<counts[expert] {
        parts.append((expert, loads[expert] / Double(counts[expert])))
      }
    }
    parts.sort { $0.load == $1.load ? $0.expert < $1.expert : $0.load > $1.load }
    var load = [Double](repeating: 0, count: groups)
    var held = [Int](repeating: 0, count: groups)
    var result = [[Int32]](repeating: [], count: loads.count)
    for part in parts {
      let open = (0..<groups).filter { held[$0] < slots }
      // A second copy in the same group would be no help, where another has room.
      let fresh = open.filter { !result[part.expert].contains(Int32($0)) }
      let among = fresh.isEmpty ? open : fresh
      guard let target = among.min(by: { (load[$0], $0) < (load[$1], $1) }) else { continue }
      load[target] += part.load
      held[target] += 1
      result[part.expert].append(Int32(target))
    }
    return result.map { $0.sorted() }
  }
}
