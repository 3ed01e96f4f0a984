// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Serving

/// A formula of the optimiser is asked of a run with another schedule.
struct NoOptimiser: Error, CustomStringConvertible {
  var description: String {
    "the run's schedule has no optimiser that finds micro-batches for its model; expected"
      + " policy.schedule: cgopipe with constants of its authors"
  }
}

extension ReferenceFormula {
  /// What MoE-Lightning's optimiser finds for a run's model with the constants that its schedule
  /// names, and what it predicts for that.
  static let optimiser: [ReferenceFormula] = [
    found("cgopipe-link", "time of a layer's weights over the link, as the optimiser has it [s]") {
      $0.time.link
    },
    found("cgopipe-gpu", "time of a layer on the GPU, as the optimiser has it [s]") {
      $0.time.device
    },
    found("cgopipe-cpu", "time of a layer on the processor, as the optimiser has it [s]") {
      $0.time.host
    },
    found("cgopipe-throughput", "decode throughput that the optimiser predicts [tokens/s]") {
      $0.policy.throughput
    },
    found("cgopipe-micro-batch", "sequences of a micro-batch that the optimiser finds") {
      Double($0.policy.microBatchSize)
    },
    found("cgopipe-micro-batches", "micro-batches that the optimiser finds") {
      Double($0.policy.microBatches)
    },
  ]

  private struct Found {
    var policy: HierarchicalRoofline.Policy
    var time: HierarchicalRoofline.LayerTime
  }

  private static func found(
    _ name: String, _ summary: String, _ figure: @escaping @Sendable (Found) -> Double
  ) -> ReferenceFormula {
    ReferenceFormula(
      name: name, summary: summary, needsRun: true,
      parameters: [
        Parameter("prompt", .count, "tokens of a prompt"),
        Parameter("output", .count, "tokens of an output"),
      ]
    ) { context in
      guard
        let schedule = context.setting.policy.schedule as? PipelinedHostAttention,
        let machine = schedule.constants
      else { throw NoOptimiser() }
      let roofline = HierarchicalRoofline(
        machine: machine, shape: .init(context.setting.model), prompt: context["prompt"],
        output: context["output"])
      guard
        let policy = roofline.search(
          microBatchSize: schedule.microBatchSize, microBatches: schedule.microBatches),
        let time = roofline.layerTime(
          size: policy.microBatchSize, microBatches: policy.microBatches,
          residentShare: policy.residentShare)
      else { throw NoOptimiser() }
      return figure(Found(policy: policy, time: time))
    }
  }
}
