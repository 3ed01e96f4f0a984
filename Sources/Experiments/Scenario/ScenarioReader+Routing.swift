// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Routing

extension ScenarioReader {
  /// Where expert choices come from.
  func routing(_ top: MappingReader, model: ScenarioReference) -> ScenarioRouting {
    let reader = MappingReader(top.requiredChild("routing"), into: collector)
    defer { reader.finish() }
    let pairing = reader.choice("pairing", among: ["in-order", "random"])
    let exhausted = reader.choice("when_exhausted", among: ["wrap", "stop"])
    let source = routingSource(reader, model: model)
    var isAssumed = false
    if case .generator(let generator) = source, !reader.has("generator") {
      isAssumed = generator.text != model.text
    }
    return ScenarioRouting(
      source: source, isAssumed: isAssumed, pairsAtRandom: pairing == "random",
      stopsWhenExhausted: exhausted == "stop")
  }

  private func routingSource(
    _ reader: MappingReader, model: ScenarioReference
  ) -> ScenarioRouting.Source {
    let hasTrace = reader.has("trace")
    if hasTrace, reader.has("generator") {
      reader.report("trace", "stands beside a generator; only one of the two can be used")
    }
    guard hasTrace, let node = reader.child("trace"), let text = reader.string("trace") else {
      return .generator(generator(reader, model: model))
    }
    let index = reader.child("index").flatMap { node in
      reader.string("index").map { path($0, .trace, node) ?? $0 }
    }
    return .trace(
      ScenarioRouting.Trace(
        path: path(text, .trace, node) ?? text,
        format: reader.choice("format", among: RoutingTraceFormat.allCases.map(\.rawValue)),
        index: index, layers: reader.int("layers", in: 1...100_000),
        experts: reader.int("experts", in: 1...65_536), topK: reader.int("top_k", in: 1...1024)))
  }

  /// The generator that is named, or else the one that is named after the model.
  private func generator(
    _ reader: MappingReader, model: ScenarioReference
  ) -> ScenarioReference {
    if reader.has("generator") { return reference(reader, "generator", .routing) }
    if let name = model.text, let path = resolver.library.path(of: name, .routing) {
      return ScenarioReference(text: name, path: path, inline: nil, location: model.location)
    }
    let nothing = ScenarioReference(text: nil, path: nil, inline: nil, location: model.location)
    // A model that is absent itself has been told of.
    if model.path == nil, model.inline == nil { return nothing }
    // Published statistics that suit any shape stand in for a model that nobody has recorded.
    if let path = resolver.library.path(of: "typical", .routing) {
      return ScenarioReference(text: "typical", path: path, inline: nil, location: model.location)
    }
    let known = resolver.library.names(.routing)
    reader.report(
      "generator",
      "is missing, and no generator bears the model's name; there are "
        + (known.isEmpty ? "none" : known.joined(separator: ", ")))
    return nothing
  }
}
