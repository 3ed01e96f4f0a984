// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Serving

extension ReferenceFormula {
  /// What single operations of one layer take on a run's machine, for a micro-batch that decodes.
  static let layerKernels: [ReferenceFormula] = [
    ReferenceFormula(
      name: "layer-cache-transfer",
      summary: "keys and values of a layer over the link, pinned [ms]", needsRun: true,
      parameters: sizes
    ) { context in
      let setting = context.setting
      let length = Int(context["context"])
      let bytes =
        setting.model.cacheBytes(length: length, under: setting.precision)
        / Double(max(1, setting.model.layers.count)) * context["sequences"]
      return (setting.figures.linkLatencySeconds + bytes / setting.figures.linkRate) * 1e3
    },
    ReferenceFormula(
      name: "layer-host-attention",
      summary: "attention of a layer between its projections, on the processor [ms]",
      needsRun: true, parameters: sizes
    ) { context in
      let setting = context.setting
      let timing = setting.hostTiming ?? setting.timing
      return timing.seconds(attention(context).decode) * 1e3
    },
  ]

  private static let sizes = [
    Parameter("sequences", .count, "sequences of the micro-batch"),
    Parameter("context", .count, "tokens that each attends to"),
  ]

  private static func lastLayer(_ context: Context) -> LayerCosts {
    let costs = context.setting.model.costs(under: context.setting.precision)
    return costs.layers[costs.layers.count - 1]
  }

  private static func attention(_ context: Context) -> AttentionWork {
    let costs = context.setting.model.costs(under: context.setting.precision)
    var load = AttentionLoad()
    let span = costs.spans[Int(costs.spanOfLayer[costs.layers.count - 1])]
    for _ in 0..<Int(context["sequences"]) {
      load.addDecode(visible: Int(context["context"]), span: span)
    }
    return lastLayer(context).attentionWork(load)
  }
}
