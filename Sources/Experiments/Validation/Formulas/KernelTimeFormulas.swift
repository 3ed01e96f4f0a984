// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors

extension ReferenceFormula {
  /// The time of one matrix product by the setting's timing, weights in the format of attention [ms].
  static let productTime = ReferenceFormula(
    name: "product-time",
    summary: "one matrix product, its weights in the format of precision.attention [ms]",
    needsRun: true,
    parameters: [
      Parameter("rows", .count, "rows of the activations"),
      Parameter("inputs", .count, "input features"),
      Parameter("outputs", .count, "output features"),
    ]
  ) { context in
    let setting = context.setting
    let format = setting.precision.attention
    let (rows, inputs, outputs) = (context["rows"], context["inputs"], context["outputs"])
    let activations = setting.precision.activations.bitsPerWeight / 8
    let weights = Double(format.bytes(elements: Int(inputs * outputs)))
    let work = KernelWork(
      family: rows > 1 ? .gemm : .gemv, flop: 2 * rows * inputs * outputs,
      bytes: weights + rows * (inputs + outputs) * activations, rows: rows, columns: outputs,
      depth: inputs, computeClass: format.computeClass, isWeightOnly: format.isWeightOnly)
    return setting.timing.seconds(work) * 1e3
  }

  /// The time of one layer's experts on tokens that spread evenly over them, routed and shared, with
  /// the combination of their outputs [ms].
  static let expertsTime = ReferenceFormula(
    name: "experts-time",
    summary: "gate, experts and combination of one MoE layer, tokens spread evenly [ms]",
    needsRun: true, parameters: [Parameter("tokens", .count, "tokens of the step")]
  ) { context in
    let setting = context.setting
    guard let layer = setting.model.layers.first(where: { $0.mixture != nil }) else { return 0 }
    let costs = layer.costs(under: setting.precision)
    let tokens = Int(context["tokens"])
    let assignments = tokens * Int(costs.topK)
    let work = [
      costs.gateWork(tokens: tokens),
      costs.groupedExpertWork(
        assignments: assignments, distinct: min(assignments, Int(costs.expertCount))),
      costs.sharedExpertWork(tokens: tokens), costs.combineWork(tokens: tokens),
    ]
    return work.reduce(0) { $0 + setting.timing.seconds($1) } * 1e3
  }
}
