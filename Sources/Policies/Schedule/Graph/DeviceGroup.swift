// SPDX-License-Identifier: GPL-3.0-or-later

/// How a schedule spreads a model over devices that compute it together.
///
/// The group is balanced: each device computes as much as any other, so that one of them, the
/// representative, stands for all. Routed experts are divided evenly, everything else as `attention`
/// says.
public struct DeviceGroup: Sendable, Hashable, BitwiseCopyable {
  /// What becomes of attention and of all else that is no routed expert.
  public enum Attention: Sendable, BitwiseCopyable {
    /// Each device has all of its weights and its share of the tokens.
    case data
    /// Each device has its share of the heads for all tokens; behind attention a reduce-scatter leaves
    /// it with its share of the tokens, and an all-gather ends the layer.
    case tensor
  }

  /// Devices in it, at least 1.
  public var devices: Int
  /// How attention is spread.
  public var attention: Attention

  /// A group.
  public init(devices: Int, attention: Attention) {
    precondition(devices >= 1, "A group has at least one device.")
    self.devices = devices
    self.attention = attention
  }

  /// One device for everything.
  public static let single = DeviceGroup(devices: 1, attention: .data)

  /// The tokens that one device computes of so many, those of the device with the most.
  public func own(_ tokens: Int) -> Int { (tokens + devices - 1) / devices }
}
