// SPDX-License-Identifier: GPL-3.0-or-later

/// What one device of a group sends in the collectives of a mixture layer, and how many copies of a
/// token they carry, for even routing.
///
/// The volumes are those of EPS-MoE (arXiv 2410.12247): with P bytes of hidden states in the group and
/// D devices, V_TP+TP = 2P(D−1)/D, V_DP+EP = g·P(D−1)/D² for g copies of a token, 1 ≤ g ≤ min(k, D), and
/// V_TP+EP = P(D−1)/D + V_DP+EP. A device receives as much as it sends.
public struct CollectiveVolumes: Sendable, BitwiseCopyable {
  /// Devices, D.
  public var devices: Int
  /// Hidden states of all tokens of the group, P [bytes].
  public var bytes: Double

  /// The volumes of a group.
  public init(devices: Int, bytes: Double) {
    self.devices = devices
    self.bytes = bytes
  }

  /// A reduce-scatter, or an all-gather, of the hidden states [bytes].
  public var scatter: Double { bytes * Double(devices - 1) / Double(devices) }

  /// The all-reduce of a layer that is tensor parallel throughout, V_TP+TP [bytes].
  public var tensorTensor: Double { 2 * scatter }

  /// The all-to-all that sends each token to `copies` devices, V_DP+EP [bytes].
  public func dataExpert(copies: Double) -> Double { copies * scatter / Double(devices) }

  /// Both, V_TP+EP [bytes].
  public func tensorExpert(copies: Double) -> Double { scatter + dataExpert(copies: copies) }
}

/// How even routing spreads the choices of tokens over devices and groups of experts.
public struct ExpertSpread: Sendable, BitwiseCopyable {
  /// Experts of the layer in all, E.
  public var experts: Int
  /// Experts that a token chooses, k.
  public var choices: Int
  /// Devices, D.
  public var devices: Int
  /// Devices among which a token's experts are chosen, where routing is limited to some.
  public var limit: Double?

  /// A spread.
  public init(experts: Int, choices: Int, devices: Int, limit: Double? = nil) {
    self.experts = experts
    self.choices = choices
    self.devices = devices
    self.limit = limit
  }

  /// Experts of one device.
  public var own: Int { (experts + devices - 1) / devices }

  /// The devices that a token is sent to for `count` of each device's experts.
  ///
  /// With all of a device's experts it is g. It is D times the chance that a token chooses one of
  /// them; where routing is limited, the limit times the chance within such a device.
  public func copies(of count: Int) -> Double {
    if let limit {
      let draws = Double(choices) / limit
      return limit * (1 - Self.missing(Double(count), of: Double(own), draws: draws))
    }
    return Double(devices)
      * (1 - Self.missing(Double(count), of: Double(experts), draws: Double(choices)))
  }

  /// The devices that hold a token's experts, g.
  public var copies: Double { copies(of: own) }

  /// The share of tokens that have all their experts among the first `count` of each device.
  public func complete(of count: Int) -> Double {
    Self.missing(
      Double(experts - count * devices), of: Double(experts), draws: Double(choices))
  }

  /// The experts of a device that `tokens` tokens of the group use: E/D · (1 − (1 − k/E)^tokens).
  public func active(tokens: Int) -> Double {
    let unused = 1 - Double(choices) / Double(max(1, experts))
    var power = 1.0
    var base = unused
    var left = tokens
    while left > 0 {
      if left & 1 == 1 { power *= base }
      base *= base
      left >>= 1
    }
    return Double(experts) / Double(devices) * (1 - power)
  }

  /// The chance that `draws` draws without return from `all` miss `taken` of them; draws need not be
  /// whole.
  static func missing(_ taken: Double, of all: Double, draws: Double) -> Double {
    var chance = 1.0
    var drawn = 0.0
    while drawn < draws {
      guard all - taken - drawn > 0 else { return 0 }
      let ratio = (all - taken - drawn) / (all - drawn)
      let part = min(1, draws - drawn)
      // A part of a draw: between not drawing and drawing, in equal steps.
      chance *= part < 1 ? 1 - part * (1 - ratio) : ratio
      drawn += 1
    }
    return chance
  }
}
