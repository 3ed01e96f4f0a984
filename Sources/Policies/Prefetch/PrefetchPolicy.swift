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

  /// Where what is fetched ahead lands; the expert cache by default.
  var landing: PrefetchLanding { get }

  /// Whether what was asked for and waits is dropped when the gate of its layer has decided; true
  /// by default. What the gate chose is then loaded as a demand.
  var dropsStaleRequests: Bool { get }

  /// Whether predicted experts are not evicted until their layer has been computed; false by
  /// default.
  var shieldsPredicted: Bool { get }

  /// Whether predictions for an encoder's layers are wanted as well; true by default.
  var servesEncoder: Bool { get }

  /// Whether a layer is computed only when all of its experts are there, chosen or not; false by
  /// default. Those that nobody chose count as accessed.
  var awaitsWholeLayers: Bool { get }

  /// Whether what it asks for and is present counts as a use with the eviction rule; true by default.
  var touchesPresent: Bool { get }

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
  /// Into the expert cache.
  public var landing: PrefetchLanding { .cache }
  /// Drops what its layer's gate has overtaken.
  public var dropsStaleRequests: Bool { true }
  /// Wants them.
  public var servesEncoder: Bool { true }
  /// Waits for chosen experts alone.
  public var awaitsWholeLayers: Bool { false }
  /// Counts what it asks for as used.
  public var touchesPresent: Bool { true }
  /// Protects nothing.
  public var shieldsPredicted: Bool { false }
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

/// Where what is fetched ahead lands.
public enum PrefetchLanding: String, Sendable, CaseIterable {
  /// In the expert cache, whose rule evicts for it.
  case cache
  /// In staging buffers: it enters the cache when its layer's gate has chosen it, and is forgotten
  /// otherwise. What finds no free buffer waits.
  case buffers
}

/// The experts that a prefetch policy wants, in order; a reused buffer.
public struct PrefetchRequests: Sendable {
  /// One wish.
  public struct Request: BitwiseCopyable, Sendable {
    /// The block wanted.
    public var block: BlockID
    /// How urgent it is among prefetches: the larger goes first; of equals the earlier.
    public var urgency: Float
  }

  /// The wishes, in the order in which they were written.
  public private(set) var requests: [Request] = []

  /// The blocks wanted, in that order.
  public var blocks: [BlockID] { requests.map(\.block) }

  /// An empty buffer.
  public init() { requests.reserveCapacity(256) }

  /// Asks for a block.
  ///
  /// - Parameter urgency: The larger goes first among the prefetches that wait, the earlier of
  ///   equals; 0 where the order of asking is the order of fetching.
  public mutating func fetch(_ block: BlockID, urgency: Float = 0) {
    requests.append(Request(block: block, urgency: urgency))
  }

  /// Empties the buffer and keeps its room.
  public mutating func removeAll() { requests.removeAll(keepingCapacity: true) }
}
