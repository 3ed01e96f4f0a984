// SPDX-License-Identifier: GPL-3.0-or-later

/// How tokens reach the experts of other ranks, and their outputs come back.
public enum ExpertDispatch: String, Sendable, CaseIterable {
  /// Every rank gathers the hidden states of all ranks and computes its own experts on them; a
  /// reduce-scatter returns the sums: vLLM's `allgather_reducescatter`, SGLang's default. Ranks pad
  /// their tokens to those of the rank with the most.
  case allGather = "all-gather"
  /// A token goes to the groups that hold its experts, and their sums come back: DeepEP, pplx,
  /// TensorRT-LLM's all-to-all.
  case allToAll = "all-to-all"
}
