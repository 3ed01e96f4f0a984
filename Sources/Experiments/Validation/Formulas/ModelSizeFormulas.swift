// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

extension ReferenceFormula {
  /// All parameters of the model that is served, after a transform [10⁹].
  static let parameters = ReferenceFormula(
    name: "parameters", summary: "parameters of the model that is served [10^9]", needsRun: true
  ) { context in
    Double(context.setting.model.parameterCount) / 1e9
  }

  /// Parameters that one token uses, the input embedding aside [10⁹]: half of its FLOP.
  static let activeParameters = ReferenceFormula(
    name: "active-parameters",
    summary: "parameters that a token uses, the input embedding aside [10^9]", needsRun: true
  ) { context in
    Double(context.setting.model.activeParameterCount(includingInputEmbedding: false)) / 1e9
  }

  /// Bytes of the routed and shared experts of a layer [10⁶].
  static let layerExpertMegabytes = ReferenceFormula(
    name: "layer-expert-megabytes",
    summary: "routed and shared experts of the first MoE layer [MB]", needsRun: true
  ) { context in
    let model = context.setting.model
    guard let layer = model.allLayers.first(where: { $0.mixture != nil }) else { return 0 }
    let bytes = layer.bytes(under: context.setting.precision)
    return Double(bytes.experts + bytes.shared) / 1e6
  }
}
