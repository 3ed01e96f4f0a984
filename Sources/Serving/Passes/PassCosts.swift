// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Units

/// What a forward pass must read and compute, by the definitions of MoE-CAP (arXiv 2412.07067, eq. 4 to 6).
///
/// Coefficients are those of the whole model, whatever GPUs it is cut among. What is read, S, is the
/// weights of attention, dense networks and shared experts of every layer, each routed expert that at least
/// one token of the pass uses, once, and the keys and values that the pass attends to, each row once. Routers,
/// norms, embeddings and head are left out, as there. What is computed, F, is that of the tokens' projections,
/// the router, the experts that a token chooses, and attention itself.
public struct PassCosts: Sendable {
  private struct Core: Sendable {
    var cost: CoreCost
    var span: Int
    var count: Double
  }

  /// Weights that every pass reads [B].
  public let fixedBytes: Double
  /// One routed expert, by version and MoE layer [B].
  private let expertBytes: [[Double]]
  /// Keys and values of one row in all layers of a span [B].
  private let rowBytes: [Double]
  /// Recurrent state of a sequence [B].
  private let stateBytes: Double
  /// FLOP of a token outside the cores of attention: projections, router, chosen and shared experts.
  public let flopPerToken: Double
  private let cores: [Core]
  /// MoE layers.
  public let mixtureLayers: Int
  /// The arithmetic class of the routed experts, or of attention in a dense model.
  public let computeClass: ComputeClass

  /// The coefficients of a model.
  ///
  /// - Parameters:
  ///   - model: The whole model, a decoder.
  ///   - versions: Formats of the experts' less precise versions.
  public init(model: ModelDescriptor, precision: PrecisionPlan, versions: [NumberFormat] = []) {
    let costs = model.costs(under: precision)
    var fixed = 0.0
    var flop = 0.0
    var rows = [Double](repeating: 0, count: costs.spans.count)
    var cores: [Core] = []
    for (index, layer) in costs.layers.enumerated() {
      let always = [
        layer.attentionInput, layer.attentionOutput, layer.dense, layer.shared,
        layer.parallelDense, layer.latent,
      ]
      fixed += always.reduce(0) { $0 + $1.weightBytes }
      flop += 2 * always.reduce(0) { $0 + $1.parameters }
      flop += 2 * (layer.router.parameters + Double(layer.topK) * layer.expert.parameters)
      let span = Int(costs.spanOfLayer[index])
      guard let mixer = model.layers[index].attention.mixer else { continue }
      rows[span] += Double(mixer.cachedElementsPerRow) * precision.keyValue.bytesPerElement
      if let known = cores.firstIndex(where: { $0.cost == layer.core && $0.span == span }) {
        cores[known].count += 1
      } else {
        cores.append(Core(cost: layer.core, span: span, count: 1))
      }
    }
    fixedBytes = fixed
    flopPerToken = flop
    rowBytes = rows
    self.cores = cores
    stateBytes = model.stateBytesPerSequence(under: precision)
    let mixtures = model.mixtureLayers
    mixtureLayers = mixtures.count
    expertBytes = ([precision.experts] + versions).map { format in
      var plan = precision
      plan.experts = format
      return mixtures.map { model.layers[$0].costs(under: plan).expert.weightBytes }
    }
    computeClass =
      mixtures.isEmpty ? precision.attention.computeClass : precision.experts.computeClass
  }

  /// One routed expert of a MoE layer in a version [B].
  @inline(__always)
  func expert(layer: Int, version: Int = 0) -> Double { expertBytes[version][layer] }

  /// One routed expert of a layer, averaged over MoE layers [B].
  public var meanExpertBytes: Double {
    mixtureLayers > 0 ? expertBytes[0].reduce(0, +) / Double(mixtureLayers) : 0
  }

  /// Keys and values that a batch attends to, each row once, and recurrent state [B].
  ///
  /// - Parameter loads: The batch's load by span.
  func keyValueBytes(_ loads: some RandomAccessCollection<AttentionLoad>) -> Double {
    var bytes = 0.0
    for (load, row) in zip(loads, rowBytes) {
      bytes += (load.decodeContext + load.prefillContext) * row
    }
    guard stateBytes > 0, let first = loads.first else { return bytes }
    return bytes + Double(first.decodeSequences + first.prefillSequences) * stateBytes
  }

  /// FLOP of a batch of so many tokens.
  func flop(tokens: Int, loads: some RandomAccessCollection<AttentionLoad>) -> Double {
    var flop = Double(tokens) * flopPerToken
    for core in cores {
      let load = loads[loads.index(loads.startIndex, offsetBy: core.span)]
      flop += core.count * (core.cost.decodeWork(load).flop + core.cost.prefillWork(load).flop)
    }
    return flop
  }
}

extension PassCosts {
  /// The coefficients of a configuration's passes; `nil` for an encoder–decoder, whose passes MoE-CAP does not
  /// define.
  init?(_ configuration: ServingConfiguration) {
    guard !configuration.model.isEncoderDecoder else { return nil }
    let precision = configuration.precision
    self.init(
      model: configuration.model, precision: precision,
      versions: configuration.policy.resolve.versions.map {
        $0.format(beside: precision.experts)
      })
  }
}
