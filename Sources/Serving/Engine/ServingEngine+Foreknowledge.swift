// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing
import Workload

extension ServingEngine {
  /// What roles must know before a run, beside what eviction rules do.
  struct Needs {
    /// How much each expert is used, where the predictor asks.
    private(set) var popularity: [Double]?
    /// A copy of the routing for the keys of waiting requests, where admission asks.
    private(set) var expertKeys: (any RoutingSource)?

    init(_ configuration: ServingConfiguration, memory: MemoryPlan, layout: BlockLayout) throws {
      guard memory.layers > 0 else { return }
      let traits = RoleTraits(policy: configuration.policy, memory: memory)
      if traits.predictionDepth > 0, configuration.policy.prediction.usesPopularity {
        popularity = try LookAhead.popularity(of: configuration.makeRouting(), layout: layout)
      }
      if configuration.policy.admission.needsExpertKeys {
        expertKeys = try configuration.makeRouting()
      }
    }
  }

  /// Tells the predictor how a request's tokens share out over the experts, where it asks and the
  /// routing knows.
  mutating func tellTendencies(of sequence: SequenceState) {
    guard prediction.needsTendencies else { return }
    for layer in 0..<memory.layers {
      routing.tendency(slot: sequence.routingSlot, layer: layer, into: &tendencyBuffer)
      guard !tendencyBuffer.isEmpty else { return }
      prediction.tendency(
        of: sequence.request.number, layer: layer, shares: tendencyBuffer)
    }
  }

  /// The expert that a request leans to; -1 where nobody asks.
  mutating func expertKey(of request: Request) -> Int32 {
    guard expertKeys != nil else { return -1 }
    do {
      return try expertKeys!.leadingExpert(
        of: request.number, promptTokens: Int(request.promptTokens), using: &token)
    } catch {
      // The routing has no sequence for this request, which is an error when it begins.
      return -1
    }
  }
}
