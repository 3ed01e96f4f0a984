// SPDX-License-Identifier: GPL-3.0-or-later

extension Replica.Lane {
  /// Has ranks let prompts wait until each of them has one, as TensorRT-LLM's
  /// `attention_dp_config.enable_balance` does: all ranks step together, so that a prompt of one would
  /// keep the others waiting, and of eight prompts at once only the longest counts.
  ///
  /// Prompts wait no longer than `steps` steps, and not at all where a rank has nothing to decode.
  ///
  /// - Complexity: O(ranks).
  mutating func balancePrompts(within steps: Int) {
    guard ranks.count > 1 else { return }
    var holds = false
    if ranks.allSatisfy(\.hasPromptReady) {
      heldSteps = 0
    } else {
      heldSteps += 1
      holds = heldSteps < steps && ranks.allSatisfy { !$0.running.isEmpty }
      if !holds { heldSteps = 0 }
    }
    for rank in ranks.indices { ranks[rank].holdsAdmissions = holds }
  }
}
