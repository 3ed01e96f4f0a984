// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// What several GPUs add to the costs of a step: the sums of partial results among them.
///
/// Behind attention whose heads are cut, behind a dense network that is cut, and behind experts that
/// are cut or dealt out, every GPU has a part of each token's hidden state; an all-reduce adds them.
struct GroupCosts: Sendable {
  /// The model before it was cut.
  let whole: ModelDescriptor
  private let division: GPUDivision
  private let collectives: any CollectiveEstimate
  private let hiddenBytes: Double

  /// The costs of a configuration's group; `nil` for a single GPU.
  init?(_ configuration: ServingConfiguration) {
    guard configuration.division.gpus > 1 else { return nil }
    whole = configuration.model
    division = configuration.division
    collectives =
      configuration.collectives
      ?? LinkCollectives(configuration.figures, timing: configuration.timing)
    hiddenBytes =
      Double(configuration.model.hiddenSize)
      * configuration.precision.activations.bytesPerElement
  }

  /// The sum behind attention [ns]; 0 where heads are not cut.
  func attentionSum(tokens: Int) -> UInt64 { division.tensor > 1 ? sum(tokens) : 0 }

  /// The sum behind the feed-forward part of a layer [ns]; 0 where each GPU has it whole.
  func feedForwardSum(tokens: Int, isMixture: Bool) -> UInt64 {
    division.tensor > 1 || isMixture ? sum(tokens) : 0
  }

  private func sum(_ tokens: Int) -> UInt64 {
    StepCosts.nanoseconds(
      collectives.seconds(.allReduce, devices: division.gpus, bytes: hiddenBytes * Double(tokens)))
  }

  /// Bytes that each GPU sends for one such sum.
  func wireBytes(tokens: Int) -> Double {
    LinkCollectives.wireBytes(
      .allReduce, devices: division.gpus, bytes: hiddenBytes * Double(tokens))
  }
}
