// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors
import Serving

extension ReferenceFormula {
  /// The formulas of MoE-CAP (arXiv 2412.07067) that need no run.
  static let moeCap: [ReferenceFormula] = [
    distinctExperts, activatedShare, activatedBandwidth, sparseFlopUtilisation, purchasePrice,
  ]

  /// Distinct experts among which `tokens` tokens choose evenly: E·(1 − (1 − k/E)^tokens).
  private static func distinct(_ model: ModelDescriptor, tokens: Double) -> Double {
    let experts = Double(model.expertCount)
    return experts * (1 - pow(1 - Double(model.topK) / experts, tokens))
  }

  /// What a pass of so many tokens reads of the model's weights by MoE-CAP's definition [B]: attention,
  /// dense networks, shared experts, and `experts` routed ones in each MoE layer.
  private static func activatedBytes(_ setting: ServingConfiguration, experts: Double) -> Double {
    let costs = PassCosts(model: setting.model, precision: setting.precision)
    return costs.fixedBytes + experts * costs.meanExpertBytes * Double(costs.mixtureLayers)
  }

  /// Distinct experts of a layer by even routing.
  static let distinctExperts = ReferenceFormula(
    name: "distinct-experts",
    summary: "distinct experts of a layer that a batch uses, were choices even and independent",
    needsRun: true, parameters: [Parameter("batch", .count, "tokens of the pass")]
  ) { context in
    distinct(context.setting.model, tokens: context["batch"])
  }

  /// The share of all parameters that a batch activates by even routing.
  static let activatedShare = ReferenceFormula(
    name: "activated-share",
    summary: "share of the layers' parameters that a batch uses, were choices even and independent",
    needsRun: true, parameters: [Parameter("batch", .count, "tokens of the pass")]
  ) { context in
    let model = context.setting.model
    let used = distinct(model, tokens: context["batch"])
    var part = 0.0
    var whole = 0.0
    for layer in model.allLayers {
      part += Double(layer.residentParameters)
      whole += Double(layer.parameterCount)
      if let mixture = layer.mixture { part += used * Double(mixture.parametersPerExpert) }
    }
    return part / whole
  }

  /// The bandwidth that a decoding pass asks for within a time per output token, keys and values aside.
  static let activatedBandwidth = ReferenceFormula(
    name: "activated-bandwidth",
    summary: "weights that a pass reads over the time per output token [GB/s]", needsRun: true,
    parameters: [
      Parameter("tpot", .seconds, "time per output token"),
      Parameter("experts", .count, "routed experts used in each MoE layer"),
    ]
  ) { context in
    activatedBytes(context.setting, experts: context["experts"]) / context["tpot"] * 1e-9
  }

  /// S-MFU at a throughput (eq. 5), attention over earlier tokens aside.
  static let sparseFlopUtilisation = ReferenceFormula(
    name: "s-mfu",
    summary: "S-MFU at a throughput, attention over earlier tokens aside", needsRun: true,
    parameters: [
      Parameter("rate", .perSecond, "tokens per second"),
      Parameter("gpus", .count, "GPUs whose peaks are counted"),
    ]
  ) { context in
    let setting = context.setting
    let costs = PassCosts(model: setting.model, precision: setting.precision)
    let peak = setting.timing.capability.peak(for: costs.computeClass).rate.nominal
    return context["rate"] * costs.flopPerToken / (context["gpus"] * peak)
  }

  /// The purchase price of the run's machine, of which every part must have a price.
  static let purchasePrice = ReferenceFormula(
    name: "purchase-price", summary: "purchase price of the machine [USD]", needsRun: true
  ) { context in
    let parts = context.setting.figures.parts
    let missing = parts.filter { $0.purchaseUSD == nil }.map(\.name)
    guard missing.isEmpty else {
      throw ReferenceProblem("no price is known of \(missing.joined(separator: ", "))")
    }
    return parts.reduce(0) { $0 + ($1.purchaseUSD ?? 0) * Double($1.count) }
  }
}
