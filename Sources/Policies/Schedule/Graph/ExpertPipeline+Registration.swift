// SPDX-License-Identifier: GPL-3.0-or-later

extension RoleRegistry {
  /// EPS-MoE's pipeline, with its parameters.
  static let expertPipeline = RoleRegistration<any SchedulePolicy>(
    name: "eps-moe",
    summary: "experts on several devices, in groups whose all-to-all runs under products",
    parameters: [
      RoleParameter(
        "groups", .count(1...4096), otherwise: "chosen by the timing",
        summary: "groups of experts; at most one for each expert of a device"),
      RoleParameter(
        "gemm", .choice(["auto", "grouped", "dense"]), word: "auto",
        summary: "how products are launched; auto by the tokens of an expert"),
      RoleParameter(
        "grouped_below", .number(0...1e9), default: 2048,
        summary: "tokens of an expert below which auto launches them grouped"),
      RoleParameter(
        "dense_from", .number(0...1e9), default: 4096,
        summary: "tokens of an expert from which on auto does not; between, the faster"),
      RoleParameter(
        "overlap", .flag, default: 1, summary: "whether communication runs beside products"),
      RoleParameter(
        "gemm_sms", .count(1...65_536), otherwise: "those that communication leaves",
        summary: "multiprocessors of products beside communication"),
      RoleParameter(
        "communication_sms", .count(1...65_536), default: 16,
        summary: "multiprocessors of a collective"),
      RoleParameter(
        "communication", .format, otherwise: "that of activations",
        summary: "the format in which rows are sent, such as `fp8`"),
      RoleParameter(
        "dispatch", .choice(["tokens", "rows"]), word: "tokens",
        summary: "what is dispatched: a token once to a device, or a row for each of its experts"),
      RoleParameter(
        "device_limit", .number(1...4096), otherwise: "none",
        summary: "devices among which the experts of a token are chosen"),
      RoleParameter(
        "attention_split", .choice(["auto", "data", "tensor"]), word: "auto",
        summary: "how attention is spread; auto is data parallel with MLA, else tensor parallel"),
      RoleParameter(
        "epsilon0", .number(0...1e3), default: 0.32,
        summary: "by how much splitting may lengthen communication, where the timing chooses"),
      RoleParameter(
        "epsilon1", .number(0...1e3), default: 0.03,
        summary: "by how much it may lengthen products"),
    ]
  ) { settings throws(RoleProblem) in
    var pipeline = ExpertPipeline()
    pipeline.groups = settings.count("groups")
    pipeline.kernel = ExpertKernel(rawValue: settings.text("gemm") ?? "")
    pipeline.groupedBelow = settings.number("grouped_below") ?? pipeline.groupedBelow
    pipeline.denseFrom = settings.number("dense_from") ?? pipeline.denseFrom
    guard pipeline.groupedBelow <= pipeline.denseFrom else {
      throw RoleProblem(
        parameter: "dense_from", message: "is less than grouped_below; expected at least as many")
    }
    pipeline.overlaps = settings.flag("overlap")
    pipeline.productMultiprocessors = settings.count("gemm_sms")
    pipeline.collectiveMultiprocessors = settings.count("communication_sms") ?? 16
    pipeline.sentElementBytes = settings.format("communication").map { $0.bitsPerWeight / 8 }
    pipeline.sendsRows = settings.text("dispatch") == "rows"
    pipeline.deviceLimit = settings.number("device_limit")
    pipeline.communicationSlack = settings.number("epsilon0") ?? pipeline.communicationSlack
    pipeline.productSlack = settings.number("epsilon1") ?? pipeline.productSlack
    pipeline.attention =
      switch settings.text("attention_split") {
      case "data": .data
      case "tensor": .tensor
      default: nil
      }
    return pipeline
  }
}
