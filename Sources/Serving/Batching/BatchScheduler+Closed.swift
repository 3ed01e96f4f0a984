// SPDX-License-Identifier: GPL-3.0-or-later

import Policies

extension BatchScheduler {
  /// Plans a step of a closed batch: its prompts whole, then one token of every sequence a step.
  ///
  /// - Complexity: O(running sequences), and what the policy takes when a batch begins.
  mutating func planClosedStep(_ policy: any ClosedBatchPolicy, limits: MicroBatchLimits) {
    entries.removeAll(keepingCapacity: true)
    stepTokens = 0
    if running.isEmpty { closeBatch(policy, limits: limits) }
    for slot in running {
      let sequence = self[slot]
      let tokens = sequence.isDecoding ? 1 : sequence.prefillTarget - sequence.computed
      entries.append(
        StepEntry(
          sequence: slot, tokens: Int32(tokens), position: Int32(sequence.computed),
          isPrefill: !sequence.isDecoding, prompt: sequence.request.promptTokens))
      stepTokens += tokens
    }
  }

  /// Takes those who wait into a batch, by micro-batch and then by arrival. Each reserves what its
  /// keys and values take in the end, so that nobody is preempted.
  private mutating func closeBatch(_ policy: any ClosedBatchPolicy, limits: MicroBatchLimits) {
    assignment.removeAll(keepingCapacity: true)
    assignment.append(contentsOf: repeatElement(-1, count: waiting.count))
    policy.close(
      waiting: Queue(slots: waiting, sequences: sequences), limits: limits,
      assignment: &assignment)
    var chosen: [(batch: Int32, place: Int)] = []
    for place in assignment.indices where assignment[place] >= 0 {
      chosen.append((assignment[place], place))
    }
    chosen.sort { ($0.batch, $0.place) < ($1.batch, $1.place) }
    for (batch, place) in chosen {
      let slot = waiting[place]
      let request = self[slot].request
      guard
        let held = keyValue.grow(
          held: 0, prompt: Int(request.promptTokens),
          tokens: Int(request.promptTokens) + Int(request.outputTokens))
      else {
        assignment[place] = -1
        continue
      }
      self[slot].keyValueBytes = held
      self[slot].microBatch = batch
      running.append(slot)
    }
    var left = waiting
    left.removeAll(keepingCapacity: true)
    for place in assignment.indices where assignment[place] < 0 { left.append(waiting[place]) }
    waiting = left
  }
}

extension MicroBatchLimits {
  /// One micro-batch of all that may run at once, where the admission closes batches and no schedule
  /// asks for micro-batches.
  init?(_ configuration: ServingConfiguration) {
    guard configuration.policy.admission is any ClosedBatchPolicy else { return nil }
    self.init(count: 1, size: configuration.limits.maximumSequences, cachedTokens: .max / 2)
  }
}
