// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Units

/// What becomes of each activated expert: in which version, on which device, or not at all.
///
/// Asked once for each layer and step, over the layer's whole activated set, when the gate has
/// decided and before anything is fetched. It sees which versions are resident.
public protocol ResolvePolicy: Sendable {
  /// The less precise versions in which experts are kept beside the scenario's own, which is
  /// version 0; empty by default.
  var versions: [ExpertVersion] { get }

  /// Whether it asks for ``ActivatedExpert/score``; without, scores are 0.
  var needsScores: Bool { get }

  /// Whether experts may be computed where they are stored: by the processor on host memory, or by
  /// a near-data device on its own.
  var usesHostCompute: Bool { get }

  /// Whether tokens may use fewer experts than their gate chose; ``kept(of:)`` says how many.
  var skipsChoices: Bool { get }

  /// Prepares the policy for a run, once, before the first step.
  mutating func configure(_ context: ResolveContext)

  /// How many of a token's experts are used, the heaviest first.
  ///
  /// - Parameter weights: The token's gate weights, descending.
  func kept(of weights: [Float]) -> Int

  /// Decides about each activated expert.
  ///
  /// - Parameters:
  ///   - set: The activated experts, heaviest first.
  ///   - residency: What is resident in the fastest tier, in which versions.
  ///   - queues: How busy links and devices are.
  ///   - choices: Where to write the decisions; one for each expert, all `.version(0)` beforehand.
  mutating func resolve(
    _ set: borrowing ActivatedSet, residency: borrowing ResidencyView, queues: QueueView,
    choices: inout [ExpertChoice])
}

extension ResolvePolicy {
  /// No other versions.
  public var versions: [ExpertVersion] { [] }
  /// No scores.
  public var needsScores: Bool { false }
  /// Every expert is computed on the device.
  public var usesHostCompute: Bool { false }
  /// Every choice of the gate counts.
  public var skipsChoices: Bool { false }
  /// Needs to know nothing.
  public mutating func configure(_ context: ResolveContext) {}
  /// All of them.
  public func kept(of weights: [Float]) -> Int { weights.count }
}

/// A version of every expert in another format.
public struct ExpertVersion: Sendable, Equatable {
  /// The format of its matrices; `nil` for a quarter of the bits of the scenario's own.
  public var format: NumberFormat?
  /// The share of the expert cache's bytes that is this version's own pool.
  public var cacheShare: Double

  /// A version.
  public init(format: NumberFormat?, cacheShare: Double) {
    self.format = format
    self.cacheShare = cacheShare
  }

  /// The format beside a scenario's own: INT4 beside 16 bits, INT2 beside 8 and fewer, as HOBBIT
  /// (arXiv 2411.01433) pairs them, where none is named.
  public func format(beside own: NumberFormat) -> NumberFormat {
    format ?? (own.bitsPerWeight > 12 ? .int4 : .int2)
  }
}

/// What a resolve policy may know before a run.
public struct ResolveContext: Sendable {
  /// The model's layers, experts and versions.
  public var layout: BlockLayout
  /// Experts that a token chooses.
  public var topK: Int
  /// Bytes per second of a copy from host to device.
  public var linkRate: Double
  /// Bytes per second at which the device beside the experts reads them; 0 where there is none.
  public var hostBandwidth: Double
  /// Seconds to bring an expert of each version over an idle link.
  public var fetchSeconds: [Double]
  /// Seconds that the GPU takes for an expert on n tokens, n being the index.
  public var deviceSeconds: [Double]
  /// Seconds that the device beside the experts takes for one on n tokens, activations moved there
  /// and back; empty where there is none.
  public var hostSeconds: [Double]

  /// A context.
  public init(
    layout: BlockLayout, topK: Int, linkRate: Double, hostBandwidth: Double,
    fetchSeconds: [Double], deviceSeconds: [Double], hostSeconds: [Double]
  ) {
    self.layout = layout
    self.topK = topK
    self.linkRate = linkRate
    self.hostBandwidth = hostBandwidth
    self.fetchSeconds = fetchSeconds
    self.deviceSeconds = deviceSeconds
    self.hostSeconds = hostSeconds
  }

  /// Seconds of a table for `tokens`, extended beyond its end in proportion.
  public static func seconds(_ table: [Double], tokens: Int) -> Double {
    guard let last = table.last else { return .infinity }
    if tokens < table.count { return table[tokens] }
    return last * Double(tokens) / Double(max(1, table.count - 1))
  }
}

/// An expert that the gate chose for at least one token of the step.
public struct ActivatedExpert: BitwiseCopyable, Sendable {
  /// The expert's number in its layer.
  public var expert: Int32
  /// Tokens that chose it.
  public var tokens: Int32
  /// Its gate weight, summed over these tokens.
  public var weight: Float
  /// How unimportant it is to the token that needs it most: the share of that token's gate weight
  /// that heavier experts hold, 0 for its first choice (HOBBIT, arXiv 2411.01433, section 3.2).
  public var score: Float

  /// An activated expert.
  public init(expert: Int32, tokens: Int32, weight: Float, score: Float) {
    self.expert = expert
    self.tokens = tokens
    self.weight = weight
    self.score = score
  }
}

/// What a layer's gate chose for the step.
public struct ActivatedSet: Sendable {
  /// The layer's index among the MoE layers.
  public var layer = 0
  /// Tokens of the step.
  public var tokens = 0
  /// The experts, heaviest first.
  public var experts: [ActivatedExpert] = []

  /// An empty set.
  public init() {}
}

/// How busy the ways to an expert are.
public struct QueueView: BitwiseCopyable, Sendable {
  /// Experts on their way to the device, or waiting for it.
  public var transfers: Int
  /// Experts that the device beside them computes or has queued.
  public var hostComputations: Int

  /// A view.
  public init(transfers: Int, hostComputations: Int) {
    self.transfers = transfers
    self.hostComputations = hostComputations
  }
}

/// What is done about an activated expert.
public enum ExpertChoice: Hashable, Sendable, BitwiseCopyable {
  /// Use this version; fetch it where it is not resident.
  case version(UInt8)
  /// Compute it where it is stored: by the processor, or a near-data device.
  case host
  /// Leave it out.
  case skip
}
