// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Computes missing experts where they are stored, and fetches none.
///
/// What KTransformers (kvcache-ai/ktransformers) and llama.cpp with `--n-cpu-moe` do: experts that
/// the device does not hold belong to the processor. For large batches llama.cpp copies weights to
/// the device all the same (ggml's offload of operations with at least 32 rows): `fetch_from_tokens`.
public struct HostResolve: ResolvePolicy {
  /// Tokens of a step from which on missing experts are fetched; `nil` for never.
  public let fetchFromTokens: Int?
  private var layout: BlockLayout?

  /// A policy that leaves missing experts to the device beside them.
  public init(fetchFromTokens: Int? = nil) { self.fetchFromTokens = fetchFromTokens }

  /// Always.
  public var usesHostCompute: Bool { true }

  /// Learns where experts stand.
  public mutating func configure(_ context: ResolveContext) { layout = context.layout }

  /// Leaves every absent expert to the host.
  public mutating func resolve(
    _ set: borrowing ActivatedSet, residency: borrowing ResidencyView, queues: QueueView,
    choices: inout [ExpertChoice]
  ) {
    guard let layout else { return }
    if let fetchFromTokens, set.tokens >= fetchFromTokens { return }
    for (index, entry) in set.experts.enumerated()
    where !residency.isPresent(layout.block(layer: set.layer, expert: Int(entry.expert))) {
      choices[index] = .host
    }
  }

  static let registration = RoleRegistration<any ResolvePolicy>(
    name: "host", summary: "computes missing experts where they are stored",
    parameters: [
      RoleParameter(
        "fetch_from_tokens", .count(1...1_000_000), otherwise: "never",
        summary: "tokens of a step from which on missing experts are fetched instead")
    ]
  ) { HostResolve(fetchFromTokens: $0.count("fetch_from_tokens")) }
}
