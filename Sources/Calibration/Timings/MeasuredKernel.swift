// SPDX-License-Identifier: GPL-3.0-or-later

/// What was timed. The raw value is the name in a table of timings.
public enum MeasuredKernel: String, CaseIterable, Codable, Sendable {
  /// A dense product of `m` rows, `n` columns and depth `k`.
  case gemm
  /// A product of one row, read once: `n` columns, depth `k`.
  case gemv
  /// The feed-forward networks of a layer's experts, whole: gate and up products, activation, down
  /// product, with the permutation and sum of tokens that the kernel includes. `tokens`, `experts`
  /// (of the layer on this device), `activated`, `top_k`, `hidden`, `width`.
  case fusedExperts = "fused_experts"
  /// One product of the experts' three, for all of a layer's experts: `tokens`, `experts`, `top_k`,
  /// `n`, `k`.
  case groupedGEMM = "grouped_gemm"
  /// Attention of new prompt tokens: `batch` sequences of `query` tokens, each over itself and `past`
  /// cached tokens; `heads`, `kv_heads`, `head_size`.
  case attentionPrefill = "attention_prefill"
  /// Attention of one token for each of `batch` sequences over `past` cached tokens.
  case attentionDecode = "attention_decode"
  /// Multi-head latent attention of prompt tokens.
  case latentAttentionPrefill = "latent_attention_prefill"
  /// Multi-head latent attention of one token per sequence over `past` cached latent vectors.
  case latentAttentionDecode = "latent_attention_decode"
  /// A recurrent or chunked scan over `query` tokens of `batch` sequences.
  case linearAttention = "linear_attention"
  /// The router: scores of `tokens` tokens over `experts`, and the choice of `top_k`.
  case gate
  /// Norms, additions, activations over `tokens` rows of `hidden` values.
  case elementwise
  /// A look-up of `tokens` embeddings of `hidden` values.
  case embedding
  /// A copy within or between memories: `bytes`, `direction`, `pinned`, `streams`.
  case copy
  /// A triad or another pass over a memory, as a measure of its bandwidth: `bytes` read and written in
  /// all, `threads`.
  case stream
  /// Reads from a drive: the time of one request of `bytes`. Without `chunk`, `queue_depth` such
  /// requests are under way at once; with it, one request in pieces of `chunk` bytes, of which
  /// `queue_depth` are.
  case read
  /// An empty kernel: what a launch costs.
  case launch
  /// A reduction whose sum all devices get: `bytes` on each of `devices`.
  case allReduce = "all_reduce"
  /// All devices get the parts of all: `bytes` in all on each of `devices` at the end.
  case allGather = "all_gather"
  /// A reduction of which each device keeps a part: `bytes` on each of `devices` before it.
  case reduceScatter = "reduce_scatter"
  /// Each device sends a part to each other: `bytes` on each of `devices`.
  case allToAll = "all_to_all"
  /// A whole model, `model`, over `query` prompt tokens of each of `batch` sequences after `past`
  /// cached ones.
  case modelPrefill = "model_prefill"
  /// A whole model that generates `query` tokens of each of `batch` sequences, one after another,
  /// the first after `past` cached ones; the time is that of all.
  case modelDecode = "model_decode"
  /// One message from a device to another.
  case sendReceive = "send_receive"
}
