// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

/// Reads in which formats a checkpoint is published, from `torch_dtype` and `quantization_config`.
///
/// Understood are `fp8` (per tensor or with `weight_block_size`), `mxfp4`, `compressed-tensors`,
/// `modelopt` (also as `hf_quant_config.json` beside the configuration), `gptq`, `awq` and
/// `bitsandbytes`, and DeepSeek-V4's `expert_dtype`.
struct NativePrecisionReader {
  let collector: DiagnosticCollector

  /// The plan of the configuration whose text part is `text`.
  func plan(text: ConfigKeys, top: ConfigKeys, quantFile: ConfigKeys?) -> PrecisionPlan {
    let wide = dataType(text) ?? dataType(top) ?? .bf16
    var plan = PrecisionPlan(uniform: wide)
    // Checkpoints in single precision are still served with 32-bit activations and caches.
    let config = text.child("quantization_config") ?? top.child("quantization_config")
    if let config {
      apply(config, to: &plan)
    } else if let quantization = quantFile?.child("quantization") {
      apply(modelOpt: quantization, to: &plan)
    }
    if let name = text.string("expert_dtype"), plan.experts.bitsPerWeight > 5 {
      if name == "fp4" {
        // One 8-bit exponent for each 32 elements, as the published conversion reads it.
        plan.experts = .mxfp4
      } else if let format = try? NumberFormat(parsing: name) {
        plan.experts = format
      } else if let node = text.node(["expert_dtype"]) {
        text.wrong(node, "fp4 or another number format")
      }
    }
    return plan
  }

  private func dataType(_ keys: ConfigKeys) -> NumberFormat? {
    guard let name = keys.string("torch_dtype", "dtype") else { return nil }
    if let format = try? NumberFormat(parsing: name) { return format }
    if let node = keys.node(["torch_dtype", "dtype"]) {
      keys.wrong(node, "bfloat16, float16 or float32")
    }
    return nil
  }

  private func apply(_ config: ConfigKeys, to plan: inout PrecisionPlan) {
    let named = config.string("quant_method")
    let method = named ?? (config.has("quant_algo") ? "modelopt" : "compressed-tensors")
    let excluded =
      config.strings("modules_to_not_convert") ?? config.strings("ignore") ?? config.strings(
        "exclude_modules") ?? []
    switch method {
    case "fp8":
      assign(fp8(config), to: &plan, excluded: excluded)
      if let experts = modelOptFormat(config.string("moe_quant_algo") ?? "") {
        plan.experts = experts
      }
    case "mxfp4":
      assign(.mxfp4, to: &plan, excluded: excluded)
    case "compressed-tensors":
      applyGroups(config, to: &plan, excluded: excluded)
    case "modelopt":
      apply(modelOpt: config, to: &plan)
    case "gptq", "awq":
      let bits = config.requiredInt("bits", "w_bit", in: 2...8)
      let group = config.int("group_size", "q_group_size", in: -1...65_535) ?? 128
      let symmetric = method == "gptq" && config.bool("sym", standard: true)
      assign(
        integers(bits: bits, group: group, metadata: symmetric ? .scale : .packedZero), to: &plan,
        excluded: excluded)
    case "bitsandbytes":
      let isFour = config.bool("load_in_4bit", "_load_in_4bit", standard: false)
      assign(
        isFour ? NumberFormat(.int4, columns: 64, metadata: .scale) : .int8, to: &plan,
        excluded: excluded)
    default:
      config.wrong(
        config.node(["quant_method"]) ?? config.node,
        "a quant_method: fp8, mxfp4, compressed-tensors, modelopt, gptq, awq or bitsandbytes")
    }
  }

  /// FP8 with blocks where the configuration names their size.
  private func fp8(_ config: ConfigKeys) -> NumberFormat {
    guard let block = config.ints("weight_block_size", in: 1...65_535), block.count == 2 else {
      return .fp8
    }
    return NumberFormat(
      .fp8, rows: UInt16(block[0]), columns: UInt16(block[1]), metadata: .blockScale)
  }

  private func integers(
    bits: Int, group: Int, metadata: NumberFormat.Metadata
  ) -> NumberFormat {
    let element: NumberFormat.Element =
      switch bits {
      case 2: .int2
      case 3: .int3
      case 4: .int4
      case 5: .int5
      case 6: .int6
      default: .int8
      }
    guard group > 0 else { return NumberFormat(element) }
    return NumberFormat(element, columns: UInt16(group), metadata: metadata)
  }

  /// Applies the groups of `config_groups`: those that name modules, to the roles of these; one for
  /// all linear layers, to every role that is not excluded.
  private func applyGroups(
    _ config: ConfigKeys, to plan: inout PrecisionPlan, excluded: [String]
  ) {
    guard let groups = config.requiredChild("config_groups")?.node.mapping else { return }
    for entry in groups {
      let group = ConfigKeys(entry.value, into: collector)
      guard let weights = group.requiredChild("weights") else { continue }
      let format = format(ofGroup: weights)
      let targets = group.strings("targets") ?? []
      guard !targets.isEmpty, !targets.contains("Linear") else {
        assign(format, to: &plan, excluded: excluded)
        continue
      }
      let targeted = { (part: String) in targets.contains { $0.contains(part) } }
      if targeted("attn") { plan.attention = format }
      if targeted("shared_expert") { plan.sharedExperts = format }
      if targeted(".experts") { plan.experts = format }
      if targeted("mlp.down_proj") { plan.dense = format }
      if targeted("lm_head") { plan.head = format }
    }
  }

  private func format(ofGroup weights: ConfigKeys) -> NumberFormat {
    let bits = weights.requiredInt("num_bits", in: 2...8)
    let size = weights.int("group_size", in: -1...65_535) ?? 0
    if weights.string("type") == "float" {
      if bits == 4 { return size == 16 ? .nvfp4 : .mxfp4 }
      return .fp8
    }
    let symmetric = weights.bool("symmetric", standard: true)
    return integers(bits: bits, group: size, metadata: symmetric ? .scale : .packedZero)
  }

  /// NVIDIA's model optimiser.
  private func apply(modelOpt config: ConfigKeys, to plan: inout PrecisionPlan) {
    let excluded = config.strings("exclude_modules") ?? config.strings("ignore") ?? []
    let name = config.string("quant_algo") ?? ""
    if config.has("config_groups") {
      applyGroups(config, to: &plan, excluded: excluded)
    } else if let format = modelOptFormat(name) {
      assign(format, to: &plan, excluded: excluded)
    } else {
      config.wrong(
        config.node(["quant_algo"]) ?? config.node,
        "a quant_algo: NVFP4, FP8, MXFP8, MXFP4, W4A16_AWQ or INT8_SQ")
      return
    }
    let cache =
      config.string("kv_cache_quant_algo")
      ?? config.node(["kv_cache_scheme"]).flatMap { $0.scalar }
    if cache?.uppercased() == "FP8" { plan.keyValue = .fp8 }
  }

  private func modelOptFormat(_ name: String) -> NumberFormat? {
    switch name.uppercased() {
    case "NVFP4", "W4A16_NVFP4", "MIXED_PRECISION": .nvfp4
    case "FP8", "FP8_PER_CHANNEL_PER_TOKEN": .fp8
    case "MXFP8": NumberFormat(.mxfp8)
    case "MXFP4": .mxfp4
    case "W4A16_AWQ", "W4A8_AWQ": NumberFormat(.int4, columns: 128, metadata: .scale)
    case "INT8_SQ", "W8A16": .int8
    default: nil
    }
  }

  /// Gives `format` to every linear layer but those that `excluded` names; embeddings, head and
  /// routers stay wide in every published scheme.
  private func assign(
    _ format: NumberFormat, to plan: inout PrecisionPlan, excluded: [String]
  ) {
    plan.experts = format
    let names = { (parts: [String]) in
      excluded.contains { entry in parts.contains { entry.contains($0) } }
    }
    if !names(["self_attn", "linear_attn", ".attn", "mixer.q_proj", "wq_", "attention."]) {
      plan.attention = format
    }
    if !names(["shared_expert"]) { plan.sharedExperts = format }
    if !names(["mlp.gate_proj", "mlp\\.(gate|up", "mlp.down_proj", "mlp.up_proj"]) {
      plan.dense = format
    }
  }
}
