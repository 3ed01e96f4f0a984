// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// What a profile file describes.
public enum ProfileKind: Hashable, Sendable {
  /// A machine.
  case machine
  /// What the software costs.
  case runtime
  /// A part of a machine.
  case part(PartKind)

  /// The kind in words: "a machine".
  public var words: String {
    switch self {
    case .machine: "a machine"
    case .runtime: "a runtime profile"
    case .part(let kind): "a part (\(kind.rawValue))"
    }
  }

  /// The kind of the profile that `node` holds, by the keys that only this kind has; `nil` when it
  /// is no profile.
  public init?(of node: ConfigurationNode) {
    let keys = Set((node.mapping ?? []).map(\.key))
    // Each kind by keys that no other has, enough of them that one may be misspelt.
    let marks: [(ProfileKind, Set<String>)] = [
      (
        .machine,
        ["base", "gpu", "drive", "cpu", "gpus", "dram", "drives", "chassis", "unified_memory"]
      ),
      (
        .runtime,
        ["per_kernel", "per_layer", "per_step", "per_copy", "dequantization_efficiency"]
      ),
      (
        .part(.gpu),
        ["architecture", "streaming_multiprocessors", "memory", "host_link", "peer_link", "rent"]
      ),
      (.part(.cpu), ["cores", "staging_copy", "socket_link"]),
      (.part(.dram), ["channels", "standby_per_32_gib", "energy"]),
      (.part(.ssd), ["read_bandwidth", "write_bandwidth", "read_latency", "read_rate", "lanes"]),
      (.part(.link), ["per_message", "full_duplex", "duplex_share", "pageable"]),
      (.part(.nearData), ["capacity", "bandwidth", "peak"]),
      (.part(.chassis), ["power", "price"]),
    ]
    var best: (kind: ProfileKind, count: Int)?
    for (kind, own) in marks {
      let count = own.intersection(keys).count
      if count > best?.count ?? 0 { best = (kind, count) }
    }
    guard let best else { return nil }
    self = best.kind
  }
}

extension ProfileLibrary {
  /// Reads a profile of any kind from a file, and answers what it is and all its figures.
  ///
  /// - Throws: `MissingFile`, or `Diagnostics` with everything that is wrong.
  public func check(path: String) throws -> (kind: ProfileKind, entries: [ProfileEntry]) {
    let node = try ConfigurationNode.load(path: path)
    guard let kind = ProfileKind(of: node) else {
      throw Diagnostics([
        Diagnostic(
          location: node.location,
          message: "is no hardware profile; expected a machine (gpus, cpu, dram, drives, chassis), "
            + "a runtime profile (per_kernel, per_layer, …) or a part")
      ])
    }
    switch kind {
    case .machine: return (kind, try machine(path).describe())
    case .runtime: return (kind, try runtime(path).describe())
    case .part(let part): return (kind, try checkPart(part, path))
    }
  }
}
