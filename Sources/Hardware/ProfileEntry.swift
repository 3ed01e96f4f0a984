// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

/// One figure of a profile as `moesim show hardware` prints it.
public struct ProfileEntry: Hashable, Sendable {
  /// Where in the profile it stands: "gpus[0].memory.bandwidth".
  public var path: String
  /// The name of the part.
  public var part: String
  /// The number and its source.
  public var figure: Figure

  /// Creates an entry.
  public init(path: String, part: String, figure: Figure) {
    self.path = path
    self.part = part
    self.figure = figure
  }

  /// "assumption: …" or the source, the achievable number's after it.
  public var sourceText: String {
    func marked(_ source: String, _ isAssumption: Bool) -> String {
      isAssumption ? "assumption: " + source : source
    }
    let nominal = marked(figure.source, figure.isAssumption)
    guard figure.achievable != nil, !figure.achievableSource.isEmpty else { return nominal }
    return nominal + "; achievable: "
      + marked(figure.achievableSource, figure.achievableIsAssumption)
  }
}

extension MachineProfile {
  /// Every figure of the machine with its source, part by part; equal GPUs and drives once, with
  /// their numbers in the path.
  public func describe() -> [ProfileEntry] {
    var entries: [ProfileEntry] = []
    for (range, gpu) in Self.runs(gpus, by: { $0.entries("") }) {
      entries += gpu.entries("gpus[\(range)]")
    }
    entries += cpu.entries("cpu") + dram.entries("dram")
    for (range, drive) in Self.runs(drives, by: { $0.entries("") }) {
      entries += drive.entries("drives[\(range)]")
    }
    entries += nearData?.entries("near_data") ?? []
    entries += chassis.entries("chassis")
    entries += network?.entries("network") ?? []
    entries += topology.entries("topology", name)
    let own: [(String, Figure?)] = [("root_complex", rootComplex), ("rent", hourlyPrice)]
    for case (let path, let figure?) in own {
      entries.append(ProfileEntry(path: path, part: name, figure: figure))
    }
    return entries
  }

  /// Neighbours with equal entries as one, with the text of their indices: "0" or "0-7".
  private static func runs<Part>(
    _ parts: [Part], by entries: (Part) -> [ProfileEntry]
  ) -> [(range: String, part: Part)] {
    var runs: [(range: String, part: Part)] = []
    var first = 0
    while first < parts.count {
      var last = first
      let key = entries(parts[first])
      while last + 1 < parts.count, entries(parts[last + 1]) == key { last += 1 }
      runs.append((first == last ? "\(first)" : "\(first)-\(last)", parts[first]))
      first = last + 1
    }
    return runs
  }
}

/// Entries of the figures that are there, under `prefix`.
private func entries(
  _ prefix: String, _ part: String, _ figures: [(String, Figure?)]
) -> [ProfileEntry] {
  figures.compactMap { name, figure in
    figure.map {
      ProfileEntry(path: prefix.isEmpty ? name : "\(prefix).\(name)", part: part, figure: $0)
    }
  }
}

extension GPUProfile {
  func entries(_ prefix: String) -> [ProfileEntry] {
    let link = prefix.isEmpty ? "" : prefix + "."
    var figures: [(String, Figure?)] = [
      ("streaming_multiprocessors", streamingMultiprocessors),
      ("memory.capacity", memory.capacity), ("memory.reserved", memory.reserved),
      ("memory.bandwidth", memory.bandwidth),
    ]
    figures += ComputeClass.allCases.map { ("peak.\($0.name)", peak[$0]) }
    figures += [
      ("power.idle", power.idle), ("power.full", power.full), ("price", purchasePrice),
      ("rent", cloudPricePerHour),
    ]
    return Hardware.entries(prefix, name, figures) + (hostLink?.entries(link + "host_link") ?? [])
      + (peerLink?.entries(link + "peer_link") ?? [])
  }
}

extension LinkProfile {
  func entries(_ prefix: String) -> [ProfileEntry] {
    Hardware.entries(
      prefix, name,
      [
        ("bandwidth", bandwidth), ("pageable", pageable), ("latency", latency),
        ("per_message", perMessageOverhead), ("duplex_share", duplexShare),
        ("power.idle", power?.idle), ("power.full", power?.full), ("price", purchasePrice),
      ])
  }
}

extension CPUProfile {
  func entries(_ prefix: String) -> [ProfileEntry] {
    var figures: [(String, Figure?)] = [("cores", cores)]
    figures += ComputeClass.allCases.map { ("peak.\($0.name)", peak[$0]) }
    figures += [
      ("staging_copy", stagingCopy), ("socket_link", socketLink), ("power.idle", power.idle),
      ("power.full", power.full), ("price", purchasePrice),
    ]
    return Hardware.entries(prefix, name, figures)
  }
}

extension DRAMProfile {
  func entries(_ prefix: String) -> [ProfileEntry] {
    Hardware.entries(
      prefix, name,
      [
        ("channels", channels), ("capacity", capacity), ("reserved", reserved),
        ("bandwidth", bandwidth), ("latency", latency), ("price", pricePerByte),
        ("standby_per_32_gib", standbyPer32GiB), ("energy", energyPerByte),
      ])
  }
}

extension DriveProfile {
  func entries(_ prefix: String) -> [ProfileEntry] {
    Hardware.entries(
      prefix, name,
      [
        ("capacity", capacity), ("read_bandwidth", readBandwidth),
        ("write_bandwidth", writeBandwidth), ("read_latency", readLatency),
        ("read_rate", readRate), ("lanes", lanes), ("power.idle", power.idle),
        ("power.full", power.full), ("price", purchasePrice),
      ])
  }
}

extension ChassisProfile {
  func entries(_ prefix: String) -> [ProfileEntry] {
    Hardware.entries(
      prefix, name,
      [("power.idle", power.idle), ("power.full", power.full), ("price", purchasePrice)])
  }
}

extension NearDataProfile {
  func entries(_ prefix: String) -> [ProfileEntry] {
    var figures: [(String, Figure?)] = [("capacity", capacity), ("bandwidth", bandwidth)]
    figures += ComputeClass.allCases.map { ("peak.\($0.name)", peak[$0]) }
    figures += [
      ("power.idle", power.idle), ("power.full", power.full), ("price", purchasePrice),
    ]
    return Hardware.entries(prefix, name, figures)
  }
}
