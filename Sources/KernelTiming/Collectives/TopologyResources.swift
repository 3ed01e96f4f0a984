// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import SimulationKernel

/// The links of a cluster as bandwidths that operations share.
///
/// What crosses a link at the same time divides it, whatever it is: a KV cache on its way to another
/// host, a swap, an expert, a collective.
public struct TopologyResources: Sendable {
  /// The bandwidth of each link, in the order of `ClusterTopology.links`.
  public let bandwidths: [BandwidthID]

  /// Adds every link of a cluster to a network, by the link's name.
  public init<Event: OperationEventCarrier>(
    _ topology: ClusterTopology, in network: inout OperationNetwork<Event>
  ) {
    var bandwidths: [BandwidthID] = []
    bandwidths.reserveCapacity(topology.links.count)
    for link in topology.links {
      bandwidths.append(network.addBandwidth(link.name, rate: link.rate))
    }
    self.bandwidths = bandwidths
  }

  /// A copy of so many bytes along a route: it consumes every link of the route as often as each byte
  /// crosses it, after the latency of the route.
  ///
  /// - Parameters:
  ///   - isLaunched: whether software begins it by itself, which takes the route's launch; a step of a
  ///     collective is begun by the one before.
  ///   - tag: of the operation.
  /// - Complexity: O(links of the route); allocates nothing.
  public func copy(
    _ bytes: Double, along route: ClusterRoute, isLaunched: Bool = true, tag: UInt64 = 0
  ) -> OperationDescription {
    guard route.count > 0 else { return OperationDescription(duration: .zero, tag: tag) }
    var description = OperationDescription(
      work: bytes,
      latency: SimulatedDuration(seconds: route.latency + (isLaunched ? route.launch : 0)),
      tag: tag)
    for index in 0..<route.count {
      let leg = route[index]
      description.consume(bandwidths[Int(leg.link)], weight: leg.weight)
    }
    return description
  }

  /// The bandwidth of a link, by its position in the cluster.
  public func bandwidth(ofLink link: Int) -> BandwidthID { bandwidths[link] }

  /// A copy from one end to another, begun by software of its own.
  ///
  /// - Precondition: The ends have a route, as `ClusterTopology.route(from:to:)` tells beforehand.
  /// - Complexity: O(links of the route); allocates nothing.
  public func copy(
    from source: ClusterEndpoint, to target: ClusterEndpoint, bytes: Double,
    topology: ClusterTopology, tag: UInt64 = 0
  ) -> OperationDescription {
    guard let route = try? topology.route(from: source, to: target) else {
      preconditionFailure("A copy is between ends that have a route.")
    }
    return copy(bytes, along: route, tag: tag)
  }
}
