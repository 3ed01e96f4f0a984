// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Fetches the experts with most tokens of the step and leaves the others to the device beside them.
///
/// MoNDE (arXiv 2405.18832): the share that is fetched makes link and near-data device finish
/// together, H = α · B_link / (B_link + B_device) of the activated experts, rounded up as a later
/// reimplementation does (Akash-N-Pai/DynaNDE-Simulator: ⌈0.05882 · active⌉ for 32 and 512 GB/s).
/// Popularity is that of the step, by tokens.
public struct HotColdResolve: ResolvePolicy {
  /// The factor α of the share, 1 where the rates are as stated.
  public let scale: Double
  private var context: ResolveContext?
  private var order: [Int] = []

  /// A policy that divides by tokens.
  public init(scale: Double = 1) { self.scale = scale }

  /// Always.
  public var usesHostCompute: Bool { true }

  /// Learns the rates.
  public mutating func configure(_ context: ResolveContext) { self.context = context }

  /// The share of activated experts that is fetched.
  var share: Double {
    guard let context, context.hostBandwidth > 0 else { return 1 }
    return min(1, scale * context.linkRate / (context.linkRate + context.hostBandwidth))
  }

  /// Leaves all but the hottest to the device beside them.
  ///
  /// - Complexity: O(n log n) for n experts.
  public mutating func resolve(
    _ set: borrowing ActivatedSet, residency: borrowing ResidencyView, queues: QueueView,
    choices: inout [ExpertChoice]
  ) {
    guard let context else { return }
    order.removeAll(keepingCapacity: true)
    let experts = set.experts
    for (index, entry) in experts.enumerated()
    where !residency.isPresent(
      context.layout.block(layer: set.layer, expert: Int(entry.expert)))
    { order.append(index) }
    order.sort { (experts[$1].tokens, $0) < (experts[$0].tokens, $1) }
    let hot = Int((share * Double(order.count)).rounded(.up))
    for index in order.dropFirst(hot) { choices[index] = .host }
  }

  static let registration = RoleRegistration<any ResolvePolicy>(
    name: "hot-cold",
    summary: "fetches the experts with most tokens, computes the others where they are stored",
    parameters: [
      RoleParameter(
        "scale", .number(0...100), default: 1,
        summary: "factor of the share that is fetched (MoNDE's alpha)")
    ]
  ) { HotColdResolve(scale: $0.number("scale") ?? 1) }
}
