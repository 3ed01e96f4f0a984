// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors

/// How long a model takes to draft tokens for the sequences of a step.
struct DraftCosts {
  private var costs: StepCosts
  private let draftTokens: Int
  private var entries: [StepEntry] = []

  /// - Precondition: `model` is a dense decoder.
  init(model: ModelDescriptor, precision: PrecisionPlan, timing: DeviceTiming, draftTokens: Int) {
    precondition(model.isDense && !model.isEncoderDecoder, "What drafts is a dense decoder.")
    costs = StepCosts(model: model, precision: precision, timing: timing)
    self.draftTokens = draftTokens
  }

  /// The time of all passes behind a step [ns]: the first computes the step's prompt tokens beside one
  /// token of each sequence that decodes, each other one token of those.
  ///
  /// The scheduling of a step is the verifying model's alone.
  ///
  /// - Complexity: O(entries × drafted tokens).
  mutating func nanoseconds(behind step: [StepEntry]) -> UInt64 {
    var total: UInt64 = 0
    for pass in 0..<draftTokens {
      entries.removeAll(keepingCapacity: true)
      var decoding = 0
      for entry in step {
        guard !entry.isPrefill else {
          if pass == 0 { entries.append(entry) }
          continue
        }
        var drafted = entry
        drafted.tokens = 1
        drafted.position += Int32(pass)
        entries.append(drafted)
        decoding += 1
      }
      guard !entries.isEmpty else { break }
      total += self.pass(sampled: decoding)
    }
    return total
  }

  private mutating func pass(sampled: Int) -> UInt64 {
    costs.prepare(entries: entries, sampled: sampled)
    var total = costs.embedding + costs.head
    for layer in costs.firstLayer..<costs.classOfLayer.count {
      let times = costs.classes[Int(costs.classOfLayer[layer])]
      total += times.attention + times.dense
    }
    return total
  }
}
