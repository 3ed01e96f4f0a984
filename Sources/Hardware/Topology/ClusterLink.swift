// SPDX-License-Identifier: GPL-3.0-or-later

/// One shared capacity of a cluster that bytes cross: a direction of a link, or what carries both
/// directions together (a half-duplex link, a root complex, host memory).
public struct ClusterLink: Hashable, Sendable {
  /// The name in reports: "host0.gpu1.d2h".
  public var name: String
  /// What it carries [B/s].
  public var rate: Double
  /// Time that each message needs to cross it besides its bytes, during which it is free for others [s].
  public var latency: Double
  /// Time that software needs to begin a copy or a collective that crosses it [s].
  ///
  /// A copy pays it once, whatever the number of its links; a collective pays it once, whatever the
  /// number of its steps.
  public var launch: Double

  /// A link.
  public init(name: String, rate: Double, latency: Double = 0, launch: Double = 0) {
    self.name = name
    self.rate = rate
    self.latency = latency
    self.launch = launch
  }
}
