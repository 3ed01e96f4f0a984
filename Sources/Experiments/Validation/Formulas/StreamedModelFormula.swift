// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

extension ReferenceFormula {
  /// What the link alone allows when every expert of the model crosses it for each token, as layers
  /// do that are offloaded whole: link rate / bytes of all experts [tokens/s].
  static let streamedModel = ReferenceFormula(
    name: "streamed-model",
    summary: "tokens per second when all experts cross the machine's link for each, nothing else"
      + " taking time",
    needsRun: true
  ) { context in
    let setting = context.setting
    let expert = Double(setting.model.bytes(under: setting.precision).perExpert)
    let experts = Double(setting.model.mixtureLayers.count * setting.model.expertCount)
    return setting.figures.linkRate / (expert * experts)
  }
}
