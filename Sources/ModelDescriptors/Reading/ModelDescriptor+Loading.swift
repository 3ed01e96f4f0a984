// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Units

extension ModelDescriptor {
  /// Reads a model from a Hugging Face `config.json`.
  ///
  /// A `hf_quant_config.json` in the same folder is read for the quantisation where the
  /// configuration does not tell it. Keys that no cost depends on are ignored.
  ///
  /// - Parameters:
  ///   - configPath: the file.
  ///   - sidePath: the side file with what the configuration does not say, or `nil` for the file
  ///     of the same name with the extension `yaml`, where there is one.
  /// - Throws: `MissingFile` when there is no such file; `Diagnostics` with everything that is
  ///   wrong, each with file, line and column.
  public static func load(configPath: String, sidePath: String? = nil) throws -> ModelDescriptor {
    let config = try ConfigurationNode.load(path: configPath)
    let url = URL(filePath: configPath)
    let files = FileManager.default
    let quantPath = url.deletingLastPathComponent().appending(path: "hf_quant_config.json").path
    let quant =
      url.lastPathComponent == "config.json" && files.fileExists(atPath: quantPath)
      ? try ConfigurationNode.load(path: quantPath) : nil
    let besidePath = url.deletingPathExtension().appendingPathExtension("yaml").path
    var side: ConfigurationNode?
    if let sidePath {
      side = try ConfigurationNode.load(path: sidePath)
    } else if besidePath != url.path, files.fileExists(atPath: besidePath) {
      side = try ConfigurationNode.load(path: besidePath)
    }
    var name = url.deletingPathExtension().lastPathComponent
    if name == "config" { name = url.deletingLastPathComponent().lastPathComponent }
    return try read(config, name: name, side: side, quantization: quant)
  }

  /// Reads a model from a configuration that is already parsed, as an inline one of a scenario.
  ///
  /// - Parameters:
  ///   - config: the mapping of a `config.json`.
  ///   - name: what to call the model unless the side file says.
  ///   - side: the mapping of a side file, or `nil`.
  ///   - quantization: the mapping of a `hf_quant_config.json`, or `nil`.
  /// - Throws: `Diagnostics` with everything that is wrong.
  public static func read(
    _ config: ConfigurationNode, name: String, side: ConfigurationNode? = nil,
    quantization: ConfigurationNode? = nil
  ) throws(Diagnostics) -> ModelDescriptor {
    let collector = DiagnosticCollector()
    let top = ConfigKeys(config, into: collector)
    try collector.throwIfAny()
    let text = top.child("text_config", "llm_config", "language_config") ?? top
    guard let (family, architecture) = architecture(text: text, top: top) else {
      try collector.throwIfAny()
      preconditionFailure("An unknown architecture is reported.")
    }
    var model = architecture.read(text, top, family)
    model.name = name
    model.nativePrecision = NativePrecisionReader(collector: collector)
      .plan(
        text: text, top: top, quantFile: quantization.map { ConfigKeys($0, into: collector) })
    if let side { model.apply(side: side, into: collector) }
    if collector.isEmpty { model.checkSize(config, into: collector) }
    try collector.throwIfAny()
    return model
  }

  /// The architecture that the text part names, or else the top.
  private static func architecture(
    text: ConfigKeys, top: ConfigKeys
  ) -> (String, Architecture)? {
    let inner = text.string("model_type")
    let outer = top.string("model_type")
    for case let name? in [inner, outer] {
      if let architecture = Architecture.named(name) { return (name, architecture) }
    }
    let known = Architecture.knownTypes
    guard let name = inner ?? outer else {
      text.missing(["model_type"], "one of \(known.joined(separator: ", "))")
      return nil
    }
    let close = closestMatch(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
    let keys = inner == nil ? top : text
    keys.collector.report(
      Diagnostic(
        location: keys.node(["model_type"])?.location ?? keys.node.location,
        path: keys.node(["model_type"])?.path ?? keys.node.path,
        message: "the architecture '\(name.prefix(60))' is unknown; known are "
          + known.joined(separator: ", ") + close))
    return nil
  }

  /// Reports a model so large that byte counts would overflow.
  private func checkSize(_ config: ConfigurationNode, into collector: DiagnosticCollector) {
    var total = 2.0 * Double(vocabularySize) * Double(hiddenSize)
    for layer in allLayers {
      if let mixture = layer.mixture {
        total +=
          3 * Double(mixture.experts) * Double(mixture.expertInput) * Double(mixture.expert.width)
        total += 3 * Double(hiddenSize) * Double(mixture.shared?.width ?? 0)
      }
      total += 3 * Double(hiddenSize) * Double(layer.feedForward.dense?.width ?? 0)
      for case let mixer? in [layer.attention.mixer, layer.crossAttention as (any SequenceMixer)?] {
        total += mixer.sizeEstimate(hidden: hiddenSize)
      }
    }
    if !(total < 1e16) {
      collector.report(
        Diagnostic(
          location: config.location, path: config.path,
          message: "the dimensions give more than 10^16 parameters; one of them must be wrong"))
    }
  }

  /// Reads a side file: published figures with their sources, and formats that the configuration
  /// does not tell.
  private mutating func apply(side: ConfigurationNode, into collector: DiagnosticCollector) {
    let reader = MappingReader(side, into: collector)
    if let name = reader.string("name") { self.name = name }
    notes.repository = reader.string("repository")
    notes.dimensionsSource = reader.string("dimensions_source")
    notes.remarks = reader.string("remarks")
    notes.scores = ModelScore.list(reader, "accuracy")
    if let published = reader.mapping("published") {
      notes.publishedTotalBillions = published.double("total_billions")
      notes.publishedActiveBillions = published.double("active_billions")
      notes.publishedSource = published.string("source")
      published.finish()
    }
    if let node = reader.child("precision") {
      nativePrecision = PrecisionPlan.read(node, over: nativePrecision, into: collector)
    }
    reader.finish()
  }
}

extension PrecisionPlan {
  /// Reads a mapping of roles to formats, each over what `standard` says; `all` sets every role of
  /// weights first.
  ///
  /// Wrong formats and unknown roles are reported to `collector`.
  public static func read(
    _ node: ConfigurationNode, over standard: PrecisionPlan, into collector: DiagnosticCollector
  ) -> PrecisionPlan {
    var plan = standard
    let reader = MappingReader(node, into: collector)
    if let format = reader.format("all") {
      plan = PrecisionPlan(uniform: format)
      plan.state = standard.state
      plan.keyValue = standard.keyValue
      plan.activations = standard.activations
      plan.vectors = standard.vectors
    }
    for role in Self.roles {
      if let format = reader.format(role.key) { plan[keyPath: role.path] = format }
    }
    reader.finish()
    return plan
  }
}
