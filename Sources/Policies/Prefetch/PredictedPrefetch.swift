// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Fetches the experts that a predictor names.
///
/// At a layer's gate, once its own loads have been issued: those are more urgent, and overtake.
/// Predicted experts that are resident are asked for as well, which costs no transfer: they are not
/// evicted for the others.
public struct PredictedPrefetch: PrefetchPolicy {
  /// In which order what is predicted is fetched.
  public enum Urgency: String, Sendable, CaseIterable {
    /// The nearest layer first, in it the heaviest expert.
    case layer
    /// By weight over distance: FineMoE's p/(l − l_now) (arXiv 2502.05370).
    case proximity
    /// By weight times 1 − (distance − from)/(L + 1), which falls linearly over the layers: the
    /// released code of MoE-Infinity (from 0; its paper, arXiv 2401.14361, divides by L) and of
    /// FineMoE (from its prediction distance + 1).
    case decay
  }

  /// What can be chosen about it.
  public struct Options: Sendable {
    /// Layers ahead that are fetched for.
    public var depth = 1
    /// The most experts of a layer that are asked for, the heaviest; `nil` for all predicted.
    public var count: Int?
    /// In which order.
    public var urgency = Urgency.layer
    /// The distance at which the factor of ``Urgency/decay`` is 1.
    public var decayFrom = 0
    /// Whether what waits is dropped when its layer's gate has decided: the early preemption of
    /// ProMoE (arXiv 2410.22134).
    public var preempts = true
    /// Whether predicted experts are not evicted until their layer has been computed.
    public var shields = false
    /// Whether predicted experts that are present count as used, as ProMoE's algorithm 2 has it.
    public var touches = true
    /// Where it lands.
    public var landing = PrefetchLanding.cache
    /// Whether the layers of an encoder are fetched for as well.
    public var servesEncoder = true

    /// The plain choices.
    public init() {}
  }

  /// What can be chosen about it.
  public let options: Options
  private var layout: BlockLayout?

  /// A policy that fetches what is predicted up to `depth` layers ahead.
  ///
  /// - Precondition: `depth` and `count` are at least 1.
  public init(depth: Int = 1, count: Int? = nil) {
    var options = Options()
    options.depth = depth
    options.count = count
    self.init(options: options)
  }

  /// A policy with all that can be chosen.
  ///
  /// - Precondition: `depth` and `count` are at least 1.
  public init(options: Options) {
    precondition(options.depth >= 1 && options.count ?? 1 >= 1)
    self.options = options
  }

  /// Layers ahead that are fetched for.
  public var depth: Int { options.depth }
  /// The most experts of a layer that are asked for; `nil` for all predicted.
  public var count: Int? { options.count }
  /// The layers that it wants predicted.
  public var predictionDepth: Int { options.depth }
  /// Where what is fetched lands.
  public var landing: PrefetchLanding { options.landing }
  /// Whether predictions for an encoder are wanted.
  public var servesEncoder: Bool { options.servesEncoder }
  /// Whether what its layer's gate has overtaken is dropped.
  public var dropsStaleRequests: Bool { options.preempts }
  /// Whether predicted experts that are present count as used.
  public var touchesPresent: Bool { options.touches }
  /// Whether predicted experts are kept.
  public var shieldsPredicted: Bool { options.shields }

  /// Learns where experts stand.
  public mutating func configure(layout: BlockLayout) { self.layout = layout }

  /// Asks for the heaviest of the experts.
  public mutating func predicted(
    layer: Int, distance: Int, experts: [PredictedExpert], residency: borrowing ResidencyView,
    requests: inout PrefetchRequests
  ) {
    guard let layout, distance <= options.depth else { return }
    for predicted in experts.prefix(options.count ?? experts.count) {
      requests.fetch(
        layout.block(layer: layer, expert: Int(predicted.expert)),
        urgency: urgency(of: predicted, distance: distance, layers: layout.layers))
    }
  }

  private func urgency(of expert: PredictedExpert, distance: Int, layers: Int) -> Float {
    switch options.urgency {
    // Requests come nearest layer first and heaviest first, but those of an earlier gate wait too.
    case .layer: 0
    case .proximity: expert.weight / Float(distance)
    case .decay:
      expert.weight * max(0, 1 - Float(distance - options.decayFrom) / Float(layers + 1))
    }
  }

  static let registration = RoleRegistration<any PrefetchPolicy>(
    name: "predicted",
    summary: "fetches what a predictor names, nearest layer and heaviest first",
    parameters: [
      RoleParameter(
        "depth", .count(1...1000), default: 1, summary: "layers ahead that are fetched for"),
      RoleParameter(
        "count", .count(1...65_536), otherwise: "all",
        summary: "the most experts of a layer that are asked for, the heaviest"),
      RoleParameter(
        "urgency", .choice(Urgency.allCases.map(\.rawValue)), word: Urgency.layer.rawValue,
        summary: "nearest layer first, by weight over distance, or by weight that decays linearly"),
      RoleParameter(
        "decay_from", .count(0...1000), default: 0,
        summary: "with urgency decay, the distance whose weights are not diminished"),
      RoleParameter(
        "preempt", .flag, default: 1,
        summary: "whether what waits is dropped when its layer's gate has decided"),
      RoleParameter(
        "shield", .flag, default: 0,
        summary: "whether predicted experts stay until their layer has been computed"),
      RoleParameter(
        "touch", .flag, default: 1,
        summary: "whether predicted experts that are present count as used"),
      RoleParameter(
        "landing", .choice(PrefetchLanding.allCases.map(\.rawValue)),
        word: PrefetchLanding.cache.rawValue,
        summary: "whether it lands in the cache, or in staging buffers until it is used"),
      RoleParameter(
        "encoder", .flag, default: 1,
        summary: "whether the layers of an encoder are fetched for as well"),
    ]
  ) { settings in
    var options = Options()
    options.depth = settings.count("depth") ?? 1
    options.count = settings.count("count")
    options.urgency = settings.text("urgency").flatMap(Urgency.init) ?? .layer
    options.decayFrom = settings.count("decay_from") ?? 0
    options.preempts = settings.flag("preempt")
    options.shields = settings.flag("shield")
    options.touches = settings.flag("touch")
    options.landing = settings.text("landing").flatMap(PrefetchLanding.init) ?? .cache
    options.servesEncoder = settings.flag("encoder")
    return PredictedPrefetch(options: options)
  }
}
