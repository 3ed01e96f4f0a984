// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving
import Units

extension ScenarioReader {
  /// A pipeline over a wide-area network, if the scenario is one.
  func wideArea(_ top: MappingReader) -> ScenarioWideArea? {
    guard let reader = top.mapping("wide_area") else { return nil }
    defer { reader.finish() }
    let like = WideAreaSettings.Server(
      firstBlock: 0, blockCount: 1,
      roundTripSeconds: reader.requiredQuantity("round_trip", .seconds, in: 0...60),
      bandwidth: reader.requiredQuantity("bandwidth", .bytesPerSecond, in: 1...1e15),
      blockSeconds: reader.requiredQuantity("block_time", .seconds, in: 1e-9...1e3),
      furtherTokenSeconds: reader.requiredQuantity("further_token_time", .seconds, in: 0...1e3))
    let relay = reader.choice("relay", among: WideAreaSettings.Relay.allCases.map(\.rawValue))
    var settings = WideAreaSettings(blocks: 0, activationBytes: 0, servers: [])
    settings.relay = relay.flatMap(WideAreaSettings.Relay.init(rawValue:)) ?? .servers
    settings.serverRoundTripSeconds = reader.quantity("server_round_trip", .seconds, in: 0...60)
    settings.overheadSeconds = reader.quantity("overhead", .seconds, in: 0...60) ?? 0.018
    settings.clientBandwidth =
      reader.quantity("client_bandwidth", .bytesPerSecond, in: 1...1e15) ?? like.bandwidth
    settings.clientSeconds = reader.quantity("client_time", .seconds, in: 0...60) ?? 0
    settings.detectionSeconds = reader.quantity("detection", .seconds, in: 0...1e5) ?? 1
    return ScenarioWideArea(
      servers: servers(reader, like: like), settings: settings, location: reader.node.location)
  }

  /// A number of servers, or each with its layers.
  private func servers(
    _ reader: MappingReader, like: WideAreaSettings.Server
  ) -> ScenarioWideArea.Servers {
    guard let node = reader.child("servers"), node.sequence != nil else {
      return .evenly(reader.requiredInt("servers", in: 1...4096), like: like)
    }
    var all: [WideAreaSettings.Server] = []
    for element in reader.sequence("servers") {
      let inner = MappingReader(element, into: collector)
      defer { inner.finish() }
      var server = like
      server.firstBlock = inner.requiredInt("first_layer", in: 0...100_000)
      server.blockCount = inner.requiredInt("layers", in: 1...100_000)
      if let time = inner.quantity("round_trip", .seconds, in: 0...60) {
        server.roundTripSeconds = time
      }
      if let rate = inner.quantity("bandwidth", .bytesPerSecond, in: 1...1e15) {
        server.bandwidth = rate
      }
      if let time = inner.quantity("block_time", .seconds, in: 1e-9...1e3) {
        server.blockSeconds = time
      }
      if let time = inner.quantity("further_token_time", .seconds, in: 0...1e3) {
        server.furtherTokenSeconds = time
      }
      let count = inner.int("count", in: 1...4096) ?? 1
      all += Array(repeating: server, count: count)
    }
    if all.isEmpty { reader.report("servers", "is an empty list; at least one is expected") }
    return .each(all)
  }

  /// What else a fleet may have is nothing to a wide-area pipeline.
  func checkWideArea(_ reader: MappingReader) {
    let others = [
      "hosts", "request_routing", "gateway", "response_cache", "autoscaling", "retries", "groups",
    ]
    for key in others {
      guard let node = reader.child(key), !node.isDefault else { continue }
      reader.report(
        key,
        "has no use: clients of fleet.wide_area choose their servers and replace them themselves")
    }
    for (index, node) in reader.sequence("failures").enumerated() {
      guard let text = node["what"]?.scalar, let word = text.split(separator: " ").first,
        let kind = FailingKind(word: String(word)), kind != .server
      else { continue }
      reader.report(
        "failures",
        "entry \(index) is about a \(kind.word); fleet.wide_area has servers alone, such as"
          + " 'server 0'")
    }
  }
}

extension ConfigurationNode {
  /// Whether all of it comes from the defaults.
  fileprivate var isDefault: Bool {
    switch content {
    case .null, .scalar: location.description == "default"
    case .sequence(let elements): elements.allSatisfy(\.isDefault)
    case .mapping(let entries): entries.allSatisfy { $0.value.isDefault }
    }
  }
}
