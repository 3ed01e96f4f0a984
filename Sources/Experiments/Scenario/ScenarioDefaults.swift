// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// What a scenario is where its file says nothing.
enum ScenarioDefaults {
  /// The keys with a default. Those without one (`hardware`, `model`, `workload`) are required, or
  /// (`routing`, `slo`, `precision`) made from the rest.
  static let yaml = """
    runtime: cuda-graphs
    precision: {}
    cache:
      experts: auto
      pool: per-layer
      experts_min: 1 GiB
      dram: auto
      kv: auto
      memory_fraction: 0.9
      workspace: 1 GiB
      staging_buffers: 2
      initial: filled
      reset: never
    policy:
      eviction: lru
      host_eviction: lru
      prefetch: none
      prediction: none
      schedule: compute-as-ready
      resolve: fetch
      placement: uniform
      admission: fcfs
      transform: none
      kernels: none
      chunks: 1
      pinned: true
      write_back: false
      serial_transfers: false
    routing:
      pairing: in-order
      when_exhausted: wrap
    workload:
      rate_scale: 1
    serving:
      max_batch: 4
      token_budget: 512
      chunked_prefill: true
      admission_interval: 1
      beams: 1
      finished_sequences: leave
      kv_block: 16
      prefix_cache: false
      preemption: recompute
      scheduling: fcfs
      replicas: 1
      parallelism: {tensor: 1, pipeline: 1, data: 1, expert: 1}
      expert_placement: contiguous
      expert_dispatch: all-to-all
    fleet:
      request_routing: round-robin
      gateway: {latency: 0 s}
      retries: {attempts: 3, delay: 1 s, backoff: 2}
    slo: {}
    run:
      seed: 1
      replications: 1
      warmup: auto
      improvements: true
    cost:
      energy_price: 0.15 USD/kWh
      lifetime: 1095 d
      load: 1
      pue: 1
      basis: auto
    """

  /// The defaults as a tree whose leaves come from `default`.
  static func tree() -> ConfigurationNode { parsed }

  private static let parsed: ConfigurationNode = {
    do {
      return try ConfigurationNode.parse(yaml, file: "default").from(origin: "default")
    } catch {
      preconditionFailure("The defaults of a scenario are well-formed: \(error)")
    }
  }()
}

extension ConfigurationNode {
  /// The same tree, with an origin in place of the places in a file.
  func from(origin: String) -> ConfigurationNode {
    var result = self
    result.location = SourceLocation(origin: origin)
    switch content {
    case .null, .scalar: break
    case .sequence(let elements):
      result.content = .sequence(elements.map { $0.from(origin: origin) })
    case .mapping(let entries):
      result.content = .mapping(
        entries.map {
          Entry(
            key: $0.key, keyLocation: SourceLocation(origin: origin),
            value: $0.value.from(origin: origin))
        })
    }
    return result
  }
}
