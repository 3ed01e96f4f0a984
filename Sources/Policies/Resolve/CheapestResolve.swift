// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Fetches a missing expert or computes it where it is stored, whichever is expected to take less.
///
/// Fiddler's rule (arXiv 2402.07033, efeslab/fiddler): the time of the processor on the expert's
/// tokens, which grows with their number, against the time of bringing its weights over, which does
/// not. With `balance` what has been given to either in the layer is waited for first, so that both
/// finish together.
public struct CheapestResolve: ResolvePolicy {
  /// Whether the work given to link and host in the layer counts.
  public let balances: Bool
  private var context: ResolveContext?

  /// A policy that compares costs.
  public init(balances: Bool = false) { self.balances = balances }

  /// Always.
  public var usesHostCompute: Bool { true }

  /// Learns what fetching and computing take.
  public mutating func configure(_ context: ResolveContext) { self.context = context }

  /// Compares costs expert by expert, the one with most tokens first.
  ///
  /// - Complexity: O(1) for each expert; O(n log n) with `balance`.
  public mutating func resolve(
    _ set: borrowing ActivatedSet, residency: borrowing ResidencyView, queues: QueueView,
    choices: inout [ExpertChoice]
  ) {
    guard let context else { return }
    var link = balances ? Double(queues.transfers) * context.fetchSeconds[0] : 0
    var host =
      balances
      ? Double(queues.hostComputations) * ResolveContext.seconds(context.hostSeconds, tokens: 1) : 0
    var order = Array(set.experts.indices)
    if balances {
      let experts = set.experts
      order.sort { (experts[$1].tokens, $0) < (experts[$0].tokens, $1) }
    }
    for index in order {
      let entry = set.experts[index]
      let block = context.layout.block(layer: set.layer, expert: Int(entry.expert))
      if residency.isPresent(block) { continue }
      let tokens = Int(entry.tokens)
      let fetched =
        context.fetchSeconds[0] + ResolveContext.seconds(context.deviceSeconds, tokens: tokens)
      let computed = ResolveContext.seconds(context.hostSeconds, tokens: tokens)
      if host + computed <= link + fetched {
        choices[index] = .host
        if balances { host += computed }
      } else if balances {
        link += context.fetchSeconds[0]
      }
    }
  }

  static let registration = RoleRegistration<any ResolvePolicy>(
    name: "cheapest",
    summary: "fetches a missing expert or computes it where it is stored, by expected time",
    parameters: [
      RoleParameter(
        "balance", .flag, default: 0,
        summary: "whether the work already given to link and host in the layer counts")
    ]
  ) { CheapestResolve(balances: $0.flag("balance")) }
}
