// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import ModelDescriptors
import Routing

extension ScenarioRouting {
  /// How reports call the source for a model, which may have no experts to choose.
  func label(for model: ModelDescriptor) -> String {
    if model.mixtureLayerCount == 0 { return "none, the model has no experts" }
    return label
  }

  /// How reports call the source.
  private var label: String {
    switch source {
    case .generator(let reference): "generator \(reference.label)"
    case .trace(let trace): String(trace.path.split(separator: "/").last ?? "")
    }
  }
}

extension Scenario {
  /// What a reader must know of where the expert choices come from.
  func routingNotices(model: ModelDescriptor) throws -> [String] {
    let shape = RoutingShape(
      layers: model.mixtureLayerCount, experts: model.expertCount, topK: model.topK)
    guard shape.layers > 0, case .generator(let reference) = routing.source else { return [] }
    if routing.isAssumed {
      return [
        "no routing of \(model.name) is known: its experts are chosen as '\(reference.label)' says, "
          + "an assumption; name a trace or a generator under routing"
      ]
    }
    let file = try reference.read(
      inline: { try RoutingParameterFile.read($0) },
      path: { try RoutingParameterFile.load(path: $0) })
    guard case .profile(let profile) = file, let own = profile.shape, own != shape else {
      return []
    }
    return [
      "the routing generator '\(profile.name)' describes \(own), and is stretched here to \(shape)"
    ]
  }

  /// What makes the routing of a run: the same for every run of a configuration.
  func routingMaker(
    model: ModelDescriptor, seed: UInt64, replication: UInt32
  ) throws -> @Sendable () throws -> any RoutingSource {
    let shape = RoutingShape(
      layers: model.mixtureLayerCount, experts: model.expertCount, topK: model.topK)
    guard shape.layers > 0 else {
      return { throw RoutingIsNotNeeded() }
    }
    switch routing.source {
    case .generator(let reference):
      let file = try reference.read(
        inline: { try RoutingParameterFile.read($0) },
        path: { try RoutingParameterFile.load(path: $0) })
      let parameters = try file.parameters(for: shape)
      return {
        try GeneratedRouting(parameters: parameters, seed: seed, replication: replication)
      }
    case .trace(let trace):
      var given: RoutingShape?
      if trace.layers != nil || trace.experts != nil || trace.topK != nil {
        given = RoutingShape(
          layers: trace.layers ?? shape.layers, experts: trace.experts ?? shape.experts,
          topK: trace.topK ?? shape.topK)
      }
      let file = try RoutingTraceFile(
        path: trace.path,
        options: .init(
          format: trace.format.flatMap { RoutingTraceFormat(rawValue: $0) }, index: trace.index,
          shape: given ?? shape))
      let options = TraceRouting.Options(
        pairing: routing.pairsAtRandom ? .random : .inOrder,
        whenExhausted: routing.stopsWhenExhausted ? .stop : .wrap)
      return {
        try TraceRouting(file, options: options, seed: seed, replication: replication)
      }
    }
  }
}

/// A model without experts draws no activations.
struct RoutingIsNotNeeded: Error {}
