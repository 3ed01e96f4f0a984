// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

extension ReferenceFormula {
  /// The time that whole experts take over a link, without latency: n × bytes / rate [ms].
  static let expertTransfer = ReferenceFormula(
    name: "expert-transfer",
    summary: "time of whole experts over a link, their bytes divided by its rate [ms]",
    needsRun: true,
    parameters: [
      Parameter("experts", .count, "how many experts"),
      Parameter("rate", .bytesPerSecond, "the rate of the link"),
    ]
  ) { context in
    let setting = context.setting
    let bytes = setting.model.bytes(under: setting.precision).perExpert
    return context["experts"] * Double(bytes) / context["rate"] * 1e3
  }
}
