// SPDX-License-Identifier: GPL-3.0-or-later

/// Where bytes come from or go to in a cluster.
public enum ClusterEndpoint: Hashable, Sendable, BitwiseCopyable {
  /// The memory of a GPU, numbered through the cluster: host 0's first.
  case gpu(Int)
  /// The memory of a host.
  case hostMemory(Int)
  /// A drive of a host, by its number in the machine.
  case drive(host: Int, index: Int)
}

/// Why bytes cannot be brought from one endpoint to another.
public enum TopologyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nothing connects the two ends, which are named with the machine of each; `remedy` says what would.
  case noRoute(from: String, to: String, remedy: String)
  /// The cluster has no such endpoint; `available` says what it has.
  case unknownEndpoint(String, available: String)
  /// A group of a collective is empty or names a GPU twice.
  case badGroup(String)

  /// One message that names both ends.
  public var description: String {
    switch self {
    case .noRoute(let from, let to, let remedy):
      "there is no route from \(from) to \(to): \(remedy)"
    case .unknownEndpoint(let name, let available):
      "there is no \(name) in the cluster; it has \(available)"
    case .badGroup(let message): message
    }
  }
}
