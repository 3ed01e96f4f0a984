// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// What a file of routing parameters holds: every layer of one model, or a profile over depth.
public enum RoutingParameterFile: Sendable {
  /// Every layer of one shape, as a fit writes them.
  case layers(RoutingParameters)
  /// Statistics over depth, for any shape.
  case profile(RoutingProfile)

  /// Reads a YAML or JSON file; `docs/routing-format.md` describes it.
  ///
  /// - Throws: `MissingFile`, or `Diagnostics` with everything that is wrong.
  public static func load(path: String) throws -> RoutingParameterFile {
    try read(ConfigurationNode.load(path: path))
  }

  /// Reads a node, e.g. one that stands inline in a scenario.
  public static func read(_ node: ConfigurationNode) throws -> RoutingParameterFile {
    let collector = DiagnosticCollector()
    let reader = MappingReader(node, into: collector)
    let name = reader.requiredString("name")
    let source = reader.requiredString("source")
    let shape = readShape(reader)
    let lags = readNumbers(reader, "lags").map { $0.map { Int($0) } }
    let lagEnds = lags ?? RoutingParameters.standardLagEnds
    let file: RoutingParameterFile
    if reader.has("depth") {
      let seed = reader.int("popularity_seed", in: 0...Int.max) ?? 1
      let knots = reader.sequence("depth").map { readKnot($0, collector) }
      let depths = knots.map(\.depth)
      if knots.isEmpty || zip(depths, depths.dropFirst()).contains(where: { $0 >= $1 }) {
        reader.report(
          "depth", "has \(knots.count) knots; at least one, by ascending `at`, is expected")
      }
      file = .profile(
        RoutingProfile(
          name: name, source: source, shape: shape, lagEnds: lagEnds,
          popularitySeed: UInt64(seed), knots: knots))
    } else {
      if shape == nil { reader.reportMissing("shape") }
      let layers = reader.requiredChild("layers").sequence ?? []
      file = .layers(
        RoutingParameters(
          name: name, source: source, shape: shape ?? RoutingShape(layers: 1, experts: 1, topK: 1),
          lagEnds: lagEnds, layers: layers.map { readLayer($0, collector) }))
    }
    reader.finish()
    try collector.throwIfAny()
    try file.check(node)
    return file
  }

  /// The parameters for a shape.
  ///
  /// - Parameter shape: the shape that is needed; `nil` takes the file's own.
  /// - Throws: `InvalidRoutingParameters` when the file is for another shape, or names none and
  ///   none is asked for.
  public func parameters(
    for shape: RoutingShape? = nil
  ) throws(InvalidRoutingParameters) -> RoutingParameters {
    switch self {
    case .layers(let parameters):
      if let shape, shape != parameters.shape {
        throw InvalidRoutingParameters(
          name: parameters.name,
          problems: ["they are for \(parameters.shape); \(shape) is needed"])
      }
      return parameters
    case .profile(let profile):
      guard let shape = shape ?? profile.shape else {
        throw InvalidRoutingParameters(
          name: profile.name,
          problems: ["they fit any shape, so layers, experts and top_k are needed"])
      }
      let parameters = profile.parameters(for: shape)
      let problems = parameters.problems
      if !problems.isEmpty {
        throw InvalidRoutingParameters(
          name: profile.name, problems: problems.map { "\($0.path): \($0.message)" })
      }
      return parameters
    }
  }

  private func check(_ node: ConfigurationNode) throws {
    let parameters: RoutingParameters
    switch self {
    case .layers(let held): parameters = held
    case .profile(let profile):
      // As many layers as knots, so that each knot is checked.
      let depth = max(1, profile.knots.count)
      var probe = profile.parameters(for: RoutingShape(layers: depth, experts: 8, topK: 1))
      for (index, knot) in profile.knots.enumerated() {
        probe.layers[index] = knot.layer
        probe.layers[index].popularity = [Double](repeating: 1, count: 8)
      }
      parameters = probe
      if let problem = profile.shape?.problem {
        throw Diagnostics([
          Diagnostic(location: node["shape"]?.location, path: "shape", message: problem)
        ])
      }
    }
    let key = if case .profile = self { "depth" } else { "layers" }
    let diagnostics = parameters.problems.map { problem in
      let path = problem.path.replacing("layers[", with: "\(key)[")
      let top = String(path.prefix { $0 != "[" && $0 != "." })
      var place = node[top]
      if let open = path.firstIndex(of: "["), let close = path.firstIndex(of: "]"),
        let index = Int(path[path.index(after: open)..<close]),
        let entries = place?.sequence, entries.indices.contains(index)
      {
        place = entries[index]
      }
      return Diagnostic(
        location: place?.location ?? node.location, path: path, message: problem.message)
    }
    if !diagnostics.isEmpty { throw Diagnostics(diagnostics) }
  }

  private static func readShape(_ reader: MappingReader) -> RoutingShape? {
    guard let shape = reader.mapping("shape") else { return nil }
    let layers = shape.requiredInt("layers", in: RoutingShape.limits.layers)
    let experts = shape.requiredInt("experts", in: RoutingShape.limits.experts)
    let topK = shape.requiredInt("top_k", in: RoutingShape.limits.topK)
    shape.finish()
    return RoutingShape(layers: layers, experts: experts, topK: topK)
  }

  private static func readNumbers(_ reader: MappingReader, _ key: String) -> [Double]? {
    guard reader.has(key) else { return nil }
    guard let texts = reader.strings(key) else { return nil }
    var numbers: [Double] = []
    for text in texts {
      guard let number = Double(text), number.isFinite, abs(number) < 1e30 else {
        reader.report(key, "“\(text.prefix(40))” is no finite number")
        return nil
      }
      numbers.append(number)
    }
    return numbers
  }

  private static func readStatistics(
    _ reader: MappingReader, popularity: [Double]
  ) -> RoutingParameters.Layer {
    RoutingParameters.Layer(
      popularity: popularity, requestSpread: reader.requiredDouble("request_spread"),
      coherence: reader.double("coherence") ?? 0, recall: readNumbers(reader, "recall") ?? [],
      cohesion: reader.double("cohesion") ?? 1, chain: reader.double("chain") ?? 0,
      gateConcentration: reader.requiredDouble("gate_concentration"))
  }

  private static func readLayer(
    _ node: ConfigurationNode, _ collector: DiagnosticCollector
  ) -> RoutingParameters.Layer {
    let reader = MappingReader(node, into: collector)
    let layer = readStatistics(reader, popularity: readNumbers(reader, "popularity") ?? [])
    reader.finish()
    return layer
  }

  private static func readKnot(
    _ node: ConfigurationNode, _ collector: DiagnosticCollector
  ) -> RoutingProfile.Knot {
    let reader = MappingReader(node, into: collector)
    let knot = RoutingProfile.Knot(
      depth: reader.requiredDouble("at", in: 0...1),
      popularitySpread: reader.double("popularity_spread", in: 0...6) ?? 0,
      layer: readStatistics(reader, popularity: []))
    reader.finish()
    return knot
  }
}

extension RoutingParameters {
  /// The parameters as a YAML file that `RoutingParameterFile` reads.
  public var yaml: String {
    func list(_ values: [Double], _ digits: Int) -> String {
      "[" + values.map { decimal($0, digits) }.joined(separator: ", ") + "]"
    }
    var lines = [
      "name: \(quoted(name))", "source: \(quoted(source))",
      "shape: {layers: \(shape.layers), experts: \(shape.experts), top_k: \(shape.topK)}",
      "lags: [\(lagEnds.map(String.init).joined(separator: ", "))]", "layers:",
    ]
    for layer in layers {
      let mean = layer.popularity.reduce(0, +) / Double(max(1, layer.popularity.count))
      lines.append("  - request_spread: \(decimal(layer.requestSpread, 4))")
      lines.append("    coherence: \(decimal(layer.coherence, 3))")
      lines.append("    recall: \(list(layer.recall, 5))")
      lines.append("    cohesion: \(decimal(layer.cohesion, 4))")
      lines.append("    chain: \(decimal(layer.chain, 4))")
      lines.append("    gate_concentration: \(decimal(layer.gateConcentration, 3))")
      lines.append("    popularity: \(list(layer.popularity.map { $0 / mean }, 4))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func quoted(_ text: String) -> String {
    var result = "\""
    for character in text {
      switch character {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      default: result.append(character)
      }
    }
    return result + "\""
  }
}
