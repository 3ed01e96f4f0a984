// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Routing

/// What to fetch ahead of its use, and when.
///
/// A value type, told what happens in a step and asked, at each of these moments, which experts it
/// wants. Requests are taken in the order in which they are written; one whose expert is resident
/// or on its way counts as used and costs nothing, and one for which no room can be made is dropped.
public protocol PrefetchPolicy: Sendable {
  /// Whether the policy ever asks for anything; an engine need not consult one that does not.
  var isActive: Bool { get }

  /// The number of layers ahead for which it wants predictions; 0 for none, which is the default.
  var predictionDepth: Int { get }

  /// Sizes the policy for a model, once, before the first step.
  mutating func configure(layout: BlockLayout)

  /// A MoE layer begins: its attention is about to be computed.
  ///
  /// - Parameters:
  ///   - layer: The layer's index among the MoE layers.
  ///   - residency: What is resident in the fastest tier.
  ///   - requests: Where to write what is wanted.
  mutating func layerBegan(
    _ layer: Int, residency: borrowing ResidencyView, requests: inout PrefetchRequests)

  /// The gate of a MoE layer has named its experts, and their demand loads have been issued.
  ///
  /// - Parameters:
  ///   - layer: The layer's index among the MoE layers.
  ///   - activation: What the gate chose for the step's tokens.
  ///   - residency: What is resident in the fastest tier.
  ///   - requests: Where to write what is wanted.
  mutating func gateDecided(
    _ layer: Int, activation: borrowing LayerActivation, residency: borrowing ResidencyView,
    requests: inout PrefetchRequests)

  /// A predictor has named experts of a later layer: told after `gateDecided`, once for each layer
  /// ahead, the nearest first, as far as the predictor and ``predictionDepth`` reach.
  ///
  /// - Parameters:
  ///   - layer: The layer that was predicted, counted among the MoE layers.
  ///   - distance: How far ahead it lies, from 1.
  ///   - experts: The experts that the step's tokens are expected to use there, heaviest first.
  ///   - residency: What is resident in the fastest tier.
  ///   - requests: Where to write what is wanted.
  mutating func predicted(
    layer: Int, distance: Int, experts: [PredictedExpert], residency: borrowing ResidencyView,
    requests: inout PrefetchRequests)
}

extension PrefetchPolicy {
  /// Active unless it says otherwise.
  public var isActive: Bool { true }
  /// Needs no predictions.
  public var predictionDepth: Int { 0 }
  /// Asks for nothing at this moment.
  public mutating func layerBegan(
    _ layer: Int, residency: borrowing ResidencyView, requests: inout PrefetchRequests
  ) {}
  /// Asks for nothing at this moment.
  public mutating func gateDecided(
    _ layer: Int, activation: borrowing LayerActivation, residency: borrowing ResidencyView,
    requests: inout PrefetchRequests
  ) {}
  /// Asks for nothing at this moment.
  public mutating func predicted(
    layer: Int, distance: Int, experts: [PredictedExpert], residency: borrowing ResidencyView,
    requests: inout PrefetchRequests
  ) {}
}

/// The experts that a prefetch policy wants, in order; a reused buffer.
public struct PrefetchRequests: Sendable {
  /// The blocks wanted, the first most urgently.
  public private(set) var blocks: [BlockID] = []

  /// An empty buffer.
  public init() { blocks.reserveCapacity(256) }

  /// Asks for a block.
  public mutating func fetch(_ block: BlockID) { blocks.append(block) }

  /// Empties the buffer and keeps its room.
  public mutating func removeAll() { blocks.removeAll(keepingCapacity: true) }
}
