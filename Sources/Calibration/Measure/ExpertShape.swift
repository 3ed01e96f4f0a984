// SPDX-License-Identifier: GPL-3.0-or-later

/// The sizes of one expert.
struct ExpertShape: Hashable, Sendable {
  let hidden: Int
  let width: Int

  /// Experts of published models: hidden size and inner width as their configurations on Hugging Face
  /// give them, and three smaller ones.
  static let all: [ExpertShape] = [
    ExpertShape(hidden: 512, width: 512),
    ExpertShape(hidden: 512, width: 1024),
    ExpertShape(hidden: 1024, width: 2048),
    ExpertShape(hidden: 2048, width: 768),  // Qwen3-30B-A3B
    ExpertShape(hidden: 2048, width: 1024),  // OLMoE-1B-7B
    ExpertShape(hidden: 2048, width: 1408),  // DeepSeek-V2-Lite
    ExpertShape(hidden: 2880, width: 2880),  // gpt-oss-20b, gpt-oss-120b
    ExpertShape(hidden: 4096, width: 1536),  // Qwen3-235B-A22B
    ExpertShape(hidden: 7168, width: 2048),  // DeepSeek-V3
    ExpertShape(hidden: 4096, width: 6400),  // Phi-3.5-MoE
    ExpertShape(hidden: 4096, width: 14336),  // Mixtral-8x7B
  ]

  /// A few of them.
  static let quick: [ExpertShape] = [
    ExpertShape(hidden: 512, width: 1024), ExpertShape(hidden: 2048, width: 1024),
    ExpertShape(hidden: 2880, width: 2880),
  ]
}
