// SPDX-License-Identifier: GPL-3.0-or-later

/// Leaves the experts of the first layers in host memory and holds all others on the device.
///
/// llama.cpp's `--n-cpu-moe N` (ggml-org/llama.cpp): the experts of the first N layers stay with the
/// processor.
public struct HostLayersPlacement: PlacementPolicy {
  /// MoE layers whose experts stay in host memory.
  public let hostLayers: Int

  /// A placement that leaves so many layers to the host.
  public init(hostLayers: Int) { self.hostLayers = hostLayers }

  /// None of the first layers' experts, all of the others'.
  public func slots(layers: Int, experts: Int) -> [Int]? {
    (0..<layers).map { $0 < hostLayers ? 0 : experts }
  }

  static let registration = RoleRegistration<any PlacementPolicy>(
    name: "host-layers", summary: "leaves the experts of the first layers in host memory",
    parameters: [
      RoleParameter(
        "layers", .count(0...10_000), summary: "MoE layers whose experts stay in host memory")
    ]
  ) { HostLayersPlacement(hostLayers: $0.count("layers") ?? 0) }
}
