// SPDX-License-Identifier: GPL-3.0-or-later

/// Who wrote the results of a measured run.
public enum ObservedFormat: String, CaseIterable, Sendable {
  /// LLMServingSim's recorder of a vLLM engine: JSON Lines with the engine's own time stamps.
  case llmservingsim
  /// `vllm bench serve --save-result --save-detailed`: one JSON object of lists.
  case vllm
  /// AIPerf's records, profile_export.jsonl.
  case aiperf
  /// AIPerf's or GenAI-Perf's summary, profile_export_aiperf.json.
  case aiperfSummary = "aiperf-summary"

  /// The format that the keys of a file's object, or of its first line, belong to.
  static func recognized(keys: Set<String>) -> ObservedFormat? {
    if keys.contains("input_toks") || keys.contains("queued_ts") { return .llmservingsim }
    if keys.contains("metadata") && keys.contains("metrics") { return .aiperf }
    if keys.contains("ttfts") || keys.contains("input_lens") || keys.contains("mean_ttft_ms") {
      return .vllm
    }
    if keys.contains("request_latency") || keys.contains("records") { return .aiperfSummary }
    return nil
  }
}
