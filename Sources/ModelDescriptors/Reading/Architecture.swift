// SPDX-License-Identifier: GPL-3.0-or-later

/// How the configurations of one family are read.
///
/// A new architecture is one entry of `known` and, where its words are its own, one function.
struct Architecture: Sendable {
  /// The values of `model_type` that name it.
  let modelTypes: [String]
  /// Makes a model from the text part of a configuration and the configuration's top.
  let read: @Sendable (_ text: ConfigKeys, _ top: ConfigKeys, _ family: String) -> ModelDescriptor

  /// All architectures, each type once.
  static let known: [Architecture] = [
    Architecture(
      modelTypes: ["llama", "mistral", "qwen2", "qwen3", "qwen3_vl_text"], read: readDense),
    Architecture(modelTypes: ["gptj"], read: readGPTJ),
    Architecture(modelTypes: ["mixtral"], read: readMixtral),
    Architecture(modelTypes: ["dsmoe"], read: readDSMoE),
    Architecture(modelTypes: ["qwen2_moe", "qwen3_moe", "qwen3_vl_moe_text"], read: readQwenMoE),
    Architecture(
      modelTypes: [
        "qwen3_next", "qwen3_5", "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text",
      ], read: readQwenHybrid),
    Architecture(modelTypes: ["olmoe"], read: readOLMoE),
    Architecture(modelTypes: ["phimoe"], read: readPhiMoE),
    Architecture(modelTypes: ["gpt_oss"], read: readGPTOSS),
    Architecture(modelTypes: ["glm4_moe"], read: readGLM4MoE),
    Architecture(modelTypes: ["deepseek"], read: readDeepSeekMoE),
    Architecture(
      modelTypes: [
        "deepseek_v2", "deepseek_v3", "deepseek_v32", "kimi_k2", "kimi_k25", "glm_moe_dsa",
      ], read: readDeepSeekLatent),
    Architecture(modelTypes: ["deepseek_v4"], read: readDeepSeekV4),
    Architecture(modelTypes: ["kimi_linear", "kimi_k3"], read: readKimiLinear),
    Architecture(modelTypes: ["minimax_m2"], read: readMiniMaxM2),
    Architecture(modelTypes: ["minimax_m3", "minimax_m3_vl"], read: readMiniMaxM3),
    Architecture(modelTypes: ["llama4", "llama4_text"], read: readLlama4),
    Architecture(modelTypes: ["dbrx"], read: readDBRX),
    Architecture(modelTypes: ["grok-1"], read: readGrok1),
    Architecture(modelTypes: ["arctic"], read: readArctic),
    Architecture(modelTypes: ["gemma4", "gemma4_text"], read: readGemma4),
    Architecture(modelTypes: ["granitemoehybrid"], read: readGraniteHybrid),
    Architecture(modelTypes: ["nemotron_h"], read: readNemotronH),
    Architecture(modelTypes: ["hy_v3"], read: readHunyuanV3),
    Architecture(modelTypes: ["mimo_v2_flash"], read: readMiMoV2),
    Architecture(modelTypes: ["step3p7"], read: readStep3),
    Architecture(modelTypes: ["switch_transformers"], read: readSwitch),
    Architecture(modelTypes: ["nllb-moe"], read: readNLLB),
  ]

  /// The values of `model_type` that are read, sorted.
  static var knownTypes: [String] { known.flatMap(\.modelTypes).sorted() }

  /// The architecture that `modelType` names, or `nil`.
  static func named(_ modelType: String) -> Architecture? {
    known.first { $0.modelTypes.contains(modelType) }
  }
}
